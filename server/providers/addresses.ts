import { BlockList, isIP } from 'node:net'

const LOOPBACK = listOf(['127.0.0.0/8'], ['::1/128'])
/**
 * Link-local and special ranges, where cloud metadata services reveal a machine's secrets: never a provider's address
 * (RFC 3927, RFC 4291 §2.5.6).
 */
const LINK_LOCAL = listOf(
  ['169.254.0.0/16', '0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'],
  ['fe80::/10', '::/128', 'ff00::/8'],
)
/** @see RFC 1918 · RFC 6598 · RFC 4193 · RFC 2544 · RFC 6890 */
const PRIVATE = listOf(
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15', '192.0.0.0/24'],
  ['fc00::/7'],
)

export type Reach = 'loopback' | 'link_local' | 'private' | 'public'

/** How far away an IP address is. An IPv6 address that embeds an IPv4 address counts as that. */
export function reachOf(address: string): Reach {
  const plain = embedded(address)
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
  if (LOOPBACK.check(plain, family)) return 'loopback'
  if (LINK_LOCAL.check(plain, family)) return 'link_local'
  return PRIVATE.check(plain, family) ? 'private' : 'public'
}

/** ::ffff:10.0.0.1, and its NAT64 (RFC 6052) and 6to4 (RFC 3056) forms. */
function embedded(address: string): string {
  if (isIP(address) !== 6) return address
  const words = wordsOf(address)
  const dotted = (high = 0, low = 0) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const starts = (...first: number[]) => first.every((word, at) => words[at] === word)
  if (starts(0, 0, 0, 0, 0, 0xffff) || starts(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(words[6], words[7])
  if (starts(0x2002)) return dotted(words[1], words[2])
  return address
}

/** The eight groups of an IPv6 address in any notation. */
function wordsOf(address: string): number[] {
  // The URL parser accepts every notation and returns the canonical one.
  const canonical = new URL(`http://[${address.split('%', 1)[0] ?? ''}]`).hostname.slice(1, -1)
  const [left = '', right] = canonical.split('::')
  const words = (part: string | undefined) => (part ? part.split(':').map(word => Number.parseInt(word, 16)) : [])
  const [before, after] = [words(left), words(right)]
  return right === undefined
    ? before
    : [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function listOf(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList()
  for (const [ranges, family] of [
    [ipv4, 'ipv4'],
    [ipv6, 'ipv6'],
  ] as const) {
    for (const range of ranges) {
      const [address = '', bits] = range.split('/')
      list.addSubnet(address, Number(bits), family)
    }
  }
  return list
}
