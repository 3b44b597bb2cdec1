import { domainToASCII } from 'node:url'

/** The address in the form that is compared: normalised letters, the domain in punycode. */
export function toEmailKey(email: string): string {
  const typed = email.normalize('NFC').toLowerCase()
  const at = typed.lastIndexOf('@') + 1
  const domain = typed.slice(at)
  // Only plausible domain names are converted: the converter would also accept a path, an escape or part of an IPv4
  // address.
  if (at === 0 || !/\P{ASCII}/u.test(domain) || !/^[\p{L}\p{N}\p{M}.-]+$/u.test(domain)) return typed
  return typed.slice(0, at) + (domainToASCII(domain) || domain)
}
