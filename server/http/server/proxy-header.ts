import { isIPv4, isIPv6, SocketAddress } from 'node:net'

// The header of the PROXY protocol, versions 1 and 2.
// See https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2.

/** The client of a proxied connection. */
export interface ProxiedClient {
  address: string
  port: number
}

export type ProxyHeader =
  /** More bytes are needed. */
  | { state: 'partial' }
  /** The connection must be closed. */
  | { state: 'invalid'; why: string }
  /** @member client null: the real peer of the connection, such as a proxy's health check */
  | { state: 'complete'; length: number; client: ProxiedClient | null }

/** A header with its extensions (TLVs); proxies send a few hundred bytes. */
export const MAX_HEADER_BYTES = 4096
const MAX_LINE_BYTES = 107

const PREAMBLE_1 = Buffer.from('PROXY ', 'latin1')
const PREAMBLE_2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16

/** Whether a connection begins with the PROXY protocol, be the rest valid or not. */
export function hasPreamble(bytes: Buffer): boolean {
  return [PREAMBLE_1, PREAMBLE_2].some(preamble => bytes.subarray(0, preamble.length).equals(preamble))
}

const PARTIAL: ProxyHeader = { state: 'partial' }
const invalid = (why: string): ProxyHeader => ({ state: 'invalid', why })

/** @param bytes everything received so far */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return PARTIAL
  if (begins(bytes, PREAMBLE_2)) return bytes.length < FIXED_BYTES ? PARTIAL : readVersion2(bytes)
  if (begins(bytes, PREAMBLE_1)) return readVersion1(bytes)
  return invalid('no PROXY protocol header')
}

/** Whether the bytes are the beginning of a preamble, or begin with it. */
function begins(bytes: Buffer, preamble: Buffer): boolean {
  const common = Math.min(bytes.length, preamble.length)
  return bytes.subarray(0, common).equals(preamble.subarray(0, common))
}

/** How long the addresses of a family are: IPv4, IPv6, unix. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 12, 2: 36, 3: 216 }

function readVersion2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes.readUInt8(12)
  const [family, transport] = [bytes.readUInt8(13) >> 4, bytes.readUInt8(13) & 0xf]
  const length = FIXED_BYTES + bytes.readUInt16BE(14)
  if (versionAndCommand >> 4 !== 2) return invalid('an unknown version')
  const command = versionAndCommand & 0xf
  if (command > 1) return invalid('an unknown command')
  if (length > MAX_HEADER_BYTES) return invalid('a header that is too long')
  const isLocal = command === 0
  const addressBytes = ADDRESS_BYTES[family]
  if (!isLocal) {
    if (addressBytes === undefined || transport > 2) return invalid('an unknown address family or transport')
    if (length < FIXED_BYTES + addressBytes) return invalid('a header too short for its addresses')
  }
  if (bytes.length < length) return PARTIAL
  const hasClient = !isLocal && transport !== 0 && (family === 1 || family === 2)
  return { state: 'complete', length, client: hasClient ? clientIn(bytes.subarray(FIXED_BYTES), family) : null }
}

/** Source and destination address, then source and destination port. */
function clientIn(block: Buffer, family: 1 | 2): ProxiedClient {
  if (family === 1) return { address: block.subarray(0, 4).join('.'), port: block.readUInt16BE(8) }
  const words = Array.from({ length: 8 }, (_, at) => block.readUInt16BE(2 * at).toString(16))
  // In canonical notation (RFC 5952).
  const { address } = new SocketAddress({ address: words.join(':'), family: 'ipv6' })
  return { address, port: block.readUInt16BE(32) }
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf('\r\n')
  if (end === -1) return bytes.length < MAX_LINE_BYTES ? PARTIAL : invalid('a line that is too long')
  const complete = (client: ProxiedClient | null): ProxyHeader => ({ state: 'complete', length: end + 2, client })
  const line = bytes.subarray(PREAMBLE_1.length, end).toString('latin1')
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return complete(null)
  const [family, address = '', destination = '', port = '', destinationPort = '', ...rest] = line.split(' ')
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isBareIPv6 : null
  if (
    isAddress === null ||
    !isAddress(address) ||
    !isAddress(destination) ||
    !isPort(port) ||
    !isPort(destinationPort) ||
    rest.length > 0
  )
    return invalid('a line that is not valid')
  return complete({ address: address.toLowerCase(), port: Number(port) })
}

/** Without a zone (`%eth0`), which Node allows. */
const isBareIPv6 = (text: string): boolean => isIPv6(text) && !text.includes('%')

const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
