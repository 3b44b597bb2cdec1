import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Exchange } from './exchange.ts'

/** Whether an address is one of the proxies that the configuration trusts. */
export type IsTrusted = (address: string) => boolean

/** @param ranges addresses and CIDR ranges, checked by config/ */
export function trustedProxies(ranges: readonly string[]): IsTrusted {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return address => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** The network address of whoever asks. X-Forwarded-For is read from its end, as far as trusted proxies wrote it;
 * what a client put in front is never believed (ASVS 4.1.3).
 * @returns an address, or `unknown` where a proxy wrote something else */
export function clientAddress(remote: string | undefined, forwardedFor: string | undefined, isTrusted: IsTrusted): string {
  let address = plain(remote ?? '')
  if (forwardedFor === undefined || !isTrusted(address)) return address || 'unknown'
  const hops = forwardedFor.split(',')
  for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) {
    const next = plain(hop.trim())
    if (isIP(next) === 0) return 'unknown'
    address = next
  }
  return address
}

/** Proxies write IPv6 in brackets, ports after addresses, and IPv4 in IPv6's clothes. */
function plain(address: string): string {
  let bare = address
  if (bare.startsWith('[')) bare = bare.slice(1, bare.indexOf(']'))
  else if (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare)) bare = bare.slice(0, bare.indexOf(':'))
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare
}

export function networkOf(isTrusted: IsTrusted) {
  return ({ remoteAddress, headers }: Exchange): string => {
    const forwarded = headers['x-forwarded-for']
    return clientAddress(remoteAddress, Array.isArray(forwarded) ? forwarded.join(',') : forwarded, isTrusted)
  }
}
