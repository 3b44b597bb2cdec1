type Headers = Record<string, string | string[] | undefined>

/** The standard's own, and older ones. */
const NAMES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
/** The value, or a parameter of it: `prefetch;prerender`, `prefetch;anonymous-client-ip`. */
const AHEAD = /(?:^|[\s,;])(?:prefetch|prerender|preview)(?:$|[\s,;])/i

/**
 * Whether a browser asks on its own, before the person follows a link that they may never follow.
 * @see https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
 */
export function isPrefetch(headers: Headers): boolean {
  for (const name of NAMES) {
    const value = headers[name]
    if (value !== undefined && AHEAD.test(String(value))) return true
  }
  return false
}
