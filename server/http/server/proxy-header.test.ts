import { describe, expect, test } from 'vitest'
import { LOCAL_HEADER } from '../../ops/ask-readiness.ts'
import { hasPreamble, MAX_HEADER_BYTES, type ProxyHeader, readProxyHeader } from './proxy-header.ts'

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const V4 = [203, 0, 113, 9, 192, 0, 2, 1, 0xc3, 0x50, 0x01, 0xbb]
const V6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0xc3, 0x50, 0x01, 0xbb],
]
const UNIX = Array<number>(216).fill(0x61)

function v2(versionAndCommand: number, family: number, block: number[], length = block.length): Buffer {
  return Buffer.from([...SIGNATURE, versionAndCommand, family, length >> 8, length & 0xff, ...block])
}
const v1 = (line: string) => Buffer.from(`${line}\r\n`, 'latin1')
const read = (bytes: Buffer, after = 'GET / HTTP/1.1\r\n') =>
  readProxyHeader(Buffer.concat([bytes, Buffer.from(after, 'latin1')]))
const complete = (bytes: Buffer, client: { address: string; port: number } | null): ProxyHeader => ({
  state: 'complete',
  length: bytes.length,
  client,
})

describe('PROXY §2.2 a header of version 2', () => {
  test.each<[string, Buffer, { address: string; port: number } | null]>([
    ['TCP over IPv4', v2(0x21, 0x11, V4), { address: '203.0.113.9', port: 50_000 }],
    ['UDP over IPv4, as for HTTP/3', v2(0x21, 0x12, V4), { address: '203.0.113.9', port: 50_000 }],
    ['TCP over IPv6', v2(0x21, 0x21, V6), { address: '2001:db8::7', port: 50_000 }],
    ['UDP over IPv6', v2(0x21, 0x22, V6), { address: '2001:db8::7', port: 50_000 }],
    [
      'IPv4 in IPv6',
      v2(0x21, 0x21, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 9, ...V6.slice(16)]),
      { address: '::ffff:203.0.113.9', port: 50_000 },
    ],
    ['a unix stream, which has no address', v2(0x21, 0x31, UNIX), null],
    ['a unix datagram', v2(0x21, 0x32, UNIX), null],
    ['an unspecified family', v2(0x21, 0x00, []), null],
    ['an unspecified family with bytes to ignore', v2(0x21, 0x00, V4), null],
    ['an unspecified transport, whose addresses are ignored', v2(0x21, 0x10, V4), null],
    ['LOCAL', v2(0x20, 0x00, []), null],
    ['LOCAL with an address, which is skipped', v2(0x20, 0x11, V4), null],
    ['LOCAL with a family that does not exist, which is ignored', v2(0x20, 0xff, [1, 2, 3]), null],
    [
      'extensions, which are skipped',
      v2(0x21, 0x11, [...V4, 0x04, 0, 2, 9, 9, 0xe0, 0, 0]),
      { address: '203.0.113.9', port: 50_000 },
    ],
    [
      'extensions that make no sense',
      v2(0x21, 0x11, [...V4, 0x05, 0xff, 0xff, 1]),
      { address: '203.0.113.9', port: 50_000 },
    ],
    [
      'the longest that is read',
      v2(0x21, 0x11, [...V4, ...Array<number>(MAX_HEADER_BYTES - 28).fill(4)]),
      { address: '203.0.113.9', port: 50_000 },
    ],
  ])('%s', (_title, bytes, client) => {
    expect(read(bytes)).toEqual(complete(bytes, client))
    for (let cut = 0; cut < bytes.length; cut += cut < 300 ? 1 : 500)
      expect(readProxyHeader(bytes.subarray(0, cut)), `the first ${cut} bytes`).toEqual({ state: 'partial' })
  })

  test.each<[string, Buffer]>([
    ['another version', v2(0x11, 0x11, V4)],
    ['version 3', v2(0x31, 0x11, V4)],
    ['another command', v2(0x22, 0x11, V4)],
    ['another family', v2(0x21, 0x41, V4)],
    ['another transport', v2(0x21, 0x13, V4)],
    ['an IPv4 block without all of its bytes', v2(0x21, 0x11, V4.slice(0, 11))],
    ['an IPv6 block of the length of IPv4', v2(0x21, 0x21, V4)],
    ['a unix block without all of its bytes', v2(0x21, 0x31, UNIX.slice(1))],
    ['one byte more than is read', v2(0x21, 0x11, V4, MAX_HEADER_BYTES - 15)],
    ['the greatest length', v2(0x20, 0x00, [], 65_535)],
  ])('with %s is refused as soon as that is known', (_title, bytes) => {
    expect(readProxyHeader(bytes.subarray(0, 16)).state).toBe('invalid')
    expect(read(bytes).state).toBe('invalid')
  })

  test('with any byte of its signature changed is refused at that byte', () => {
    for (let at = 0; at < SIGNATURE.length; at++) {
      const bytes = v2(0x21, 0x11, V4)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x20, at)
      expect(readProxyHeader(bytes.subarray(0, at + 1)).state, `byte ${at}`).toBe('invalid')
    }
  })
})

describe('PROXY §2.1 a header of version 1', () => {
  test.each<[string, { address: string; port: number } | null]>([
    ['PROXY TCP4 203.0.113.9 192.0.2.1 50000 443', { address: '203.0.113.9', port: 50_000 }],
    ['PROXY TCP4 255.255.255.255 0.0.0.0 65535 0', { address: '255.255.255.255', port: 65_535 }],
    ['PROXY TCP6 2001:DB8::7 2001:db8::1 50000 443', { address: '2001:db8::7', port: 50_000 }],
    [
      `PROXY TCP6 ${Array<string>(8).fill('ffff').join(':')} ${Array<string>(8).fill('ffff').join(':')} 65535 65535`,
      { address: Array<string>(8).fill('ffff').join(':'), port: 65_535 },
    ],
    ['PROXY UNKNOWN', null],
    [`PROXY UNKNOWN ${'f'.repeat(91)}`, null],
    ['PROXY UNKNOWN whatever \n there \r is', null],
  ])('%j', (line, client) => {
    const bytes = v1(line)
    expect(read(bytes)).toEqual(complete(bytes, client))
    for (let cut = 0; cut < bytes.length; cut++)
      expect(readProxyHeader(bytes.subarray(0, cut)), `the first ${cut} bytes`).toEqual({ state: 'partial' })
  })

  test.each([
    'PROXY',
    'PROXY ',
    'PROXY  TCP4 203.0.113.9 192.0.2.1 50000 443',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000 443 ',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000 443 more',
    'PROXY TCP4 203.0.113.9  192.0.2.1 50000 443',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\n',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000\r443',
    'PROXY TCP4 2001:db8::7 2001:db8::1 50000 443',
    'PROXY TCP6 203.0.113.9 192.0.2.1 50000 443',
    'PROXY TCP6 fe80::1%eth0 fe80::2 50000 443',
    'PROXY TCP4 203.0.113.09 192.0.2.1 50000 443',
    'PROXY TCP4 203.0.113 192.0.2.1 50000 443',
    'PROXY TCP4 203.0.113.256 192.0.2.1 50000 443',
    'PROXY TCP4 203.0.113.9 192.0.2.1 050000 443',
    'PROXY TCP4 203.0.113.9 192.0.2.1 65536 443',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000 -1',
    'PROXY TCP4 203.0.113.9 192.0.2.1 50000 4e2',
    'PROXY UDP4 203.0.113.9 192.0.2.1 50000 443',
    'PROXY tcp4 203.0.113.9 192.0.2.1 50000 443',
    'PROXY UNKNOWNS',
    'proxy TCP4 203.0.113.9 192.0.2.1 50000 443',
    `PROXY UNKNOWN ${'f'.repeat(92)}`,
  ])('%j is refused', line => {
    expect(read(v1(line)).state).toBe('invalid')
  })

  test('whose line never ends is refused at 107 bytes, and one that ends with a line feed alone, too', () => {
    const endless = Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`, 'latin1')
    expect(readProxyHeader(endless.subarray(0, 106)).state).toBe('partial')
    expect(readProxyHeader(endless.subarray(0, 107)).state).toBe('invalid')
    const bare = Buffer.from(`PROXY TCP4 203.0.113.9 192.0.2.1 1 2\nGET / HTTP/1.1\r\n`, 'latin1')
    expect(readProxyHeader(bare).state).toBe('invalid')
  })
})

test('everything else is no header, from its first byte on', () => {
  for (const text of ['GET / HTTP/1.1\r\n', '\0', '\r\nGET', 'PRI * HTTP/2.0', 'P\0'])
    expect(readProxyHeader(Buffer.from(text, 'latin1')).state, text).toBe('invalid')
  expect(readProxyHeader(Buffer.alloc(0)).state).toBe('partial')
})

test('the preambles of both versions are recognised, and our own health check sends a valid header', () => {
  expect(hasPreamble(v2(0x99, 0x99, []))).toBe(true)
  expect(hasPreamble(v1('PROXY nonsense'))).toBe(true)
  expect(hasPreamble(Buffer.from('POST / HTTP/1.1\r\n'))).toBe(false)
  expect(hasPreamble(Buffer.alloc(0))).toBe(false)
  expect(readProxyHeader(LOCAL_HEADER)).toEqual(complete(LOCAL_HEADER, null))
})
