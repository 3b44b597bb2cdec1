/** Where to go when nothing else is wanted, or what is wanted cannot be trusted. */
export const HOME = '/'

const MAX_LENGTH = 2000
/** Nobody who has just signed in wants to go there. */
const NO_PLACE_TO_RETURN_TO = /^\/(?:auth|api|_porchlight|sign-in|sign-up|signed-out|set-up|reset)(?:\/|$)/
// eslint-disable-next-line no-control-regex -- browsers drop tabs and line ends inside an address, and take \ for /
const MISLEADING = /[\u0000-\u0020\u007f\\]/

/**
 * Makes an address that a request asked to go to into one of a page of ours: a path, percent-encoded, fit for a header.
 * Whatever a browser could read as another origin, or as a script, becomes `/` (OA-1).
 * @param wanted anything: from a query, a form or a cookie
 */
export function safeReturnTo(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > MAX_LENGTH) return HOME
  if (!wanted.startsWith('/') || MISLEADING.test(wanted)) return HOME
  const base = 'http://origin.invalid'
  if (!URL.canParse(wanted, base)) return HOME
  const { origin, pathname, search, hash } = new URL(wanted, base)
  if (origin !== base || NO_PLACE_TO_RETURN_TO.test(pathname)) return HOME
  return isPlain(pathname) ? pathname + search + hash : HOME
}

/** Dots that were resolved away may have left `//` in front; an encoded sign may be decoded by whoever is next. */
function isPlain(pathname: string): boolean {
  try {
    const decoded = decodeURIComponent(pathname)
    return !decoded.includes('//') && !MISLEADING.test(decoded.replaceAll(' ', ''))
  } catch {
    return false
  }
}
