type Headers = Record<string, string | string[] | undefined>

/** The standard header, and older ones. */
const NAMES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
/** As the value or a parameter of it: `prefetch;prerender`, `prefetch;anonymous-client-ip`. */
const AHEAD = /(?:^|[\s,;])(?:prefetch|prerender|preview)(?:$|[\s,;])/i

/**
 * Whether a browser requests a page in advance, before the user follows a link.
 * @see https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
 */
export function isPrefetch(headers: Headers): boolean {
  for (const name of NAMES) {
    const value = headers[name]
    if (value !== undefined && AHEAD.test(String(value))) return true
  }
  return false
}
