import { isUnder } from './reserved.ts'

/** The destination when none is requested, or when the requested one cannot be trusted. */
export const HOME = '/'

const MAX_LENGTH = 2000
/** Pages that are pointless right after signing in. */
const NO_PLACE_TO_RETURN_TO =
  /^\/(?:auth|_porchlight|sign-in|sign-up|signed-out|set-up|reset|reauthenticate|second-factor)(?:\/|$)/
// eslint-disable-next-line no-control-regex -- browsers drop tabs and line ends inside an address, and take \ for /
const MISLEADING = /[\u0000-\u0020\u007f\\]/

/**
 * Turns a requested destination into the path of a page of this origin, percent-encoded and safe in a header. Anything
 * that a browser could interpret as another origin or as a script becomes `/` (OA-1).
 * @param requested untrusted: from a query, a form or a cookie
 * @param documents prefixes below `/api` whose responses are pages: everything else there is for scripts
 */
export function safeReturnTo(requested: unknown, documents: readonly string[]): string {
  if (typeof requested !== 'string' || requested.length > MAX_LENGTH) return HOME
  if (!requested.startsWith('/') || MISLEADING.test(requested)) return HOME
  const base = 'http://origin.invalid'
  if (!URL.canParse(requested, base)) return HOME
  const { origin, pathname, search, hash } = new URL(requested, base)
  if (origin !== base || NO_PLACE_TO_RETURN_TO.test(pathname)) return HOME
  if (isUnder(pathname, '/api') && !documents.some(prefix => isUnder(pathname, prefix))) return HOME
  return isPlain(pathname) ? pathname + search + hash : HOME
}

/** Resolving dot segments may have left `//` in front, and the next hop may decode an encoded character. */
function isPlain(pathname: string): boolean {
  try {
    const decoded = decodeURIComponent(pathname)
    return !decoded.includes('//') && !MISLEADING.test(decoded.replaceAll(' ', ''))
  } catch {
    return false
  }
}
