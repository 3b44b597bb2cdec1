import { BlockList, isIP } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether a URL's host is the loopback interface, as browsers define it (Secure Contexts §3.1). */
export function isLoopback(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(bare)
  if (family === 0) return bare === 'localhost' || bare.endsWith('.localhost')
  return LOOPBACK.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/** Whether a range in CIDR is wider than any private network, such as 10.0.0.0/8 or fc00::/7. */
export function isWide(range: string): boolean {
  const [address = '', bits] = range.split('/')
  return bits !== undefined && Number(bits) < (address.includes(':') ? 7 : 8)
}

/** The canonical form of a URL that is an origin and nothing more; null for anything else. */
export function toOrigin(text: string): string | null {
  // The URL parser is too lenient: it turns backslashes into slashes and drops tabs and line breaks.
  if (!/^https?:\/\/[^\s\\/?#@]+\/?$/i.test(text)) return null
  return URL.canParse(text) ? new URL(text).origin : null
}

/** Whether it is the origin of pages that browsers give passkeys to (Secure Contexts §3.1). */
export function isSecureOrigin(text: string): boolean {
  const origin = toOrigin(text)
  return origin !== null && (origin.startsWith('https:') || isLoopback(new URL(origin).hostname))
}

/** Whether the text is an IP address or a range in CIDR notation. */
export function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}
