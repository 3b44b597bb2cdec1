import { describe, expect, test } from 'vitest'
import { clientAddress, trustedProxies } from './client-address.ts'

const nobody = trustedProxies([])
const ours = trustedProxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8'])

describe('clientAddress', () => {
  test.each<[string, string | undefined, string | undefined, typeof nobody, string]>([
    ['the peer, when no proxy is trusted', '203.0.113.9', '1.2.3.4', nobody, '203.0.113.9'],
    ['4.1.3 the peer, when it is not a trusted one', '203.0.113.9', '1.2.3.4', ours, '203.0.113.9'],
    ['what a trusted proxy saw', '10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['4.1.3 nothing that a client put in front', '10.0.0.1', '1.2.3.4, 203.0.113.9', ours, '203.0.113.9'],
    ['through a chain of trusted proxies', '127.0.0.1', '1.2.3.4, 203.0.113.9, 10.2.3.4', ours, '203.0.113.9'],
    ['the first hop, when all are trusted', '127.0.0.1', '10.9.9.9, 10.2.3.4', ours, '10.9.9.9'],
    ['IPv4 in IPv6', '::ffff:10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['IPv6 in brackets with a port', 'fd00::1', '[2001:db8::7]:443', ours, '2001:db8::7'],
    ['an address with a port', '10.0.0.1', '203.0.113.9:1234', ours, '203.0.113.9'],
    ['nothing, when a trusted proxy wrote no address', '10.0.0.1', 'unknown', ours, 'unknown'],
    ['nothing, when the connection is gone', undefined, undefined, ours, 'unknown'],
  ])('is %s', (_title, remote, forwarded, trusted, address) => {
    expect(clientAddress(remote, forwarded, trusted)).toBe(address)
  })
})
