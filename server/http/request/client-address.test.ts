import { describe, expect, test } from 'vitest'
import { trustedProxies } from '../../config/trusted-proxies.ts'
import { clientAddress } from './client-address.ts'

const nobody = trustedProxies([])
const ours = trustedProxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8'])

describe('clientAddress', () => {
  test.each<[string, string | undefined, string | undefined, typeof nobody, string]>([
    ['the peer, when no proxy is trusted', '203.0.113.9', '1.2.3.4', nobody, '203.0.113.9'],
    ['4.1.3 the peer, when it is not a trusted one', '203.0.113.9', '1.2.3.4', ours, '203.0.113.9'],
    [
      'a peer in a private network that is not trusted, with whom it names: neither is believed, clients are told apart',
      '192.168.1.5',
      '1.2.3.4, 203.0.113.9',
      ours,
      '192.168.1.5 says 203.0.113.9',
    ],
    ['that peer alone, when it names no address', '192.168.1.5', 'x'.repeat(1000), ours, '192.168.1.5'],
    ['what a trusted proxy saw', '10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['4.1.3 nothing that a client put in front', '10.0.0.1', '1.2.3.4, 203.0.113.9', ours, '203.0.113.9'],
    ['through a chain of trusted proxies', '127.0.0.1', '1.2.3.4, 203.0.113.9, 10.2.3.4', ours, '203.0.113.9'],
    ['the first hop, when all are trusted', '127.0.0.1', '10.9.9.9, 10.2.3.4', ours, '10.9.9.9'],
    ['IPv4 in IPv6', '::ffff:10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['IPv6 in brackets with a port', 'fd00::1', '[2001:db8::7]:443', ours, '2001:db8::7'],
    ['an address with a port', '10.0.0.1', '203.0.113.9:1234', ours, '203.0.113.9'],
    ['nothing, when a trusted proxy wrote no address', '10.0.0.1', 'unknown', ours, 'unknown'],
    ['nothing, when the connection is gone', undefined, undefined, ours, 'unknown'],
    ['4.1.3 nothing, when a closed connection named one', undefined, '203.0.113.9', nobody, 'unknown'],
    ['what the proxy on the unix socket saw', 'unix', '1.2.3.4, 203.0.113.9', nobody, '203.0.113.9'],
    ['a trusted hop before that proxy, believed', 'unix', '203.0.113.9, 10.2.3.4', ours, '203.0.113.9'],
    ['nothing, when the proxy on the unix socket names none', 'unix', undefined, ours, 'unknown'],
    ['nothing, when that proxy forwards the name of the unix socket', 'unix', '203.0.113.9, unix', ours, 'unknown'],
  ])('is %s', (_title, remote, forwarded, trusted, address) => {
    expect(clientAddress(remote, forwarded, trusted)).toBe(address)
  })
})
