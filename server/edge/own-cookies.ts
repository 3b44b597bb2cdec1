import { NAME } from '../contract/name.ts'

const OWN = new RegExp(`^(?:__host-(?:http-)?)?${NAME}-(?:access|refresh|device|form|login|logout)`, 'i')

/** Whether a cookie's name is one that only this server may set. Language and theme are the site's own. */
export function isOwnCookie(name: string): boolean {
  return OWN.test(name)
}
