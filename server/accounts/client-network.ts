import { isIP } from 'node:net'
import { splitUnconfirmed } from '../base/peer.ts'

/**
 * What counts as one network for limits: an IPv4 address, or the /64 that an IPv6 customer gets.
 * @param address as seen by the server; anything that is not an address counts as a network of its own
 */
export function networkOf(address: string): string {
  const { peer, claimed: said } = splitUnconfirmed(address)
  if (said !== null) return `${networkOf(peer)} says ${networkOf(said)}`
  const [bare = ''] = address.split('%')
  const kind = isIP(bare)
  if (kind !== 6) return kind === 4 ? bare : 'unknown'
  const groups = expand(bare)
  // ::ffff:a.b.c.d is an IPv4 client on a dual-stack socket.
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    return groups
      .slice(6)
      .flatMap(group => [group >> 8, group & 0xff])
      .join('.')
  }
  return `${groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')}::/64`
}

/**
 * The networks that a limit counts: the client's own and, if it is unconfirmed, also everyone behind that peer, who
 * could invent any number of networks.
 */
export function countedNetworks(address: string): { own: string; crowd: string | null } {
  const { peer, claimed: said } = splitUnconfirmed(address)
  return { own: networkOf(address), crowd: said === null ? null : `${networkOf(peer)} says anything` }
}

/** The eight groups of a valid IPv6 address. */
function expand(address: string): number[] {
  const dotted = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = dotted.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))
  if (tail === undefined) return groups(head)
  const [before, after] = [groups(head), groups(tail)]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
