import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * The peer address of connections on a unix socket, which have none. Named, because the address of a TCP connection
 * that has just closed is missing, too, and must not count as this.
 */
export const UNIX_PEER = 'unix'

/** Whether an address is one of the trusted proxies in the configuration. */
export type IsTrusted = (address: string) => boolean

/**
 * Whoever can open our unix socket has been let in by its permissions, so a peer there is always trusted.
 * @param ranges addresses and CIDR ranges, validated
 */
export function trustedProxies(ranges: readonly string[]): IsTrusted {
  if (ranges.length === 0) return address => address === UNIX_PEER
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return address =>
    address === UNIX_PEER || (isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))
}
