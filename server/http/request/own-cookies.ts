import { NAME } from '../../contract/name.ts'

/** With any prefix that browsers support (RFC 6265bis §4.1.3), a name of ours stays ours. */
const OWN = new RegExp(
  `^(?:__(?:secure|host|http|host-http)-)?${NAME}-(?:access|refresh|device|form|login|logout|second-factor)`,
  'i',
)

/** Whether a cookie's name is one that only this server may set. Language and theme belong to the site. */
export function isOwnCookie(name: string): boolean {
  return OWN.test(name)
}
