import { NAME } from '../../contract/name.ts'

/** Whatever prefix a browser may know (RFC 6265bis §4.1.3): none of them makes it somebody else's. */
const OWN = new RegExp(
  `^(?:__(?:secure|host|http|host-http)-)?${NAME}-(?:access|refresh|device|form|login|logout)`,
  'i',
)

/** Whether a cookie's name is one that only this server may set. Language and theme are the site's own. */
export function isOwnCookie(name: string): boolean {
  return OWN.test(name)
}
