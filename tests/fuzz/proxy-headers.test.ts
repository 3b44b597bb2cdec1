import fc from 'fast-check'
import { connect, isIP } from 'node:net'
import { afterAll } from 'vitest'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'

/** The trusted proxy, beside which the people of the ground come from 127.0.0.1 without a header. */
const PROXY = '127.0.0.2'

let upstream: RecordingUpstream
afterAll(() => upstream.stop())

const ground = groundOfFile(async () => {
  upstream = await startRecordingUpstream()
  return {
    PROXY_PROTOCOL: 'true',
    TRUSTED_PROXIES: PROXY,
    UPSTREAMS: JSON.stringify([{ name: 'open', target: upstream.origin, token: 'none' }]),
  }
})

interface Sent {
  header: Uint8Array
  /** The client that a valid header names; null: the proxy itself. */
  client: string | null
  isValid: boolean
  /** Where the bytes are cut into packets. */
  cuts: number[]
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const TCP4 = 0x11
const byte = fc.nat(255)

const valid: fc.Arbitrary<Omit<Sent, 'cuts'>> = fc
  .record({
    address: fc.ipV4(),
    port: fc.nat(65_535),
    kind: fc.constantFrom('v1', 'v2', 'local', 'unknown'),
    extensions: fc.uint8Array({ maxLength: 600 }),
  })
  .map(({ address, port, kind, extensions }) => {
    const client = kind === 'v1' || kind === 'v2' ? address : null
    if (kind === 'v1')
      return { header: Buffer.from(`PROXY TCP4 ${address} 192.0.2.1 ${port} 1\r\n`), client, isValid: true }
    if (kind === 'unknown') return { header: Buffer.from('PROXY UNKNOWN\r\n'), client, isValid: true }
    const block = Buffer.from([...address.split('.').map(Number), 192, 0, 2, 1, port >> 8, port & 255, 0, 1])
    const length = block.length + extensions.length
    const fixed = Buffer.from([kind === 'v2' ? 0x21 : 0x20, TCP4, length >> 8, length & 255])
    return { header: Buffer.concat([SIGNATURE, fixed, block, extensions]), client, isValid: true }
  })

const broken: fc.Arbitrary<Omit<Sent, 'cuts'>> = fc
  .oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.string({ maxLength: 120 })).map(([text]) => Buffer.from(`PROXY ${text}\r\n`)),
    fc
      .tuple(byte, byte, byte, byte, fc.uint8Array({ maxLength: 300 }))
      .map(([a, b, c, d, rest]) => Buffer.concat([SIGNATURE, Buffer.from([a, b, c, d]), rest])),
    fc
      .tuple(valid, fc.nat(700), byte)
      .map(([{ header }, at, to]) =>
        Uint8Array.from(header, (was, index) => (index === at % header.length ? to : was)),
      ),
    fc.tuple(valid, fc.nat(700)).map(([{ header }, to]) => header.subarray(0, to % header.length)),
  )
  .map(header => ({ header, client: null, isValid: false }))

fuzz<Sent>('proxy headers', {
  input: fc
    .tuple(fc.oneof(valid, broken), fc.array(fc.nat(700), { maxLength: 4 }))
    .map(([header, cuts]) => ({ ...header, cuts })),
  batch: 12,
  async run({ header, client, isValid, cuts }, at) {
    const path = `/api/open/${at}-${Math.random()}`
    const host = new URL(ground.server.origin).host
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const answer = await deliver(Buffer.concat([header, Buffer.from(request)]), cuts, !isValid)
    ground.seen(answer)
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]
    if (isValid && status !== '200') throw new Error(`a valid header led to ${answer.slice(0, 200) || 'no answer'}`)
    if (!isValid && answer !== '' && status !== '200' && status !== '400')
      throw new Error(`answered ${answer.slice(0, 200)}`)
    const arrived = upstream.requests.find(one => one.path.endsWith(path.slice('/api/open'.length)))
    upstream.requests.splice(0, upstream.requests.length - 1000)
    const seen = arrived?.headers['x-forwarded-for']
    if (isValid && seen !== (client ?? PROXY)) throw new Error(`${String(seen)} in place of ${client ?? PROXY}`)
    if (seen !== undefined && isIP(String(seen)) === 0) throw new Error(`${String(seen)} is no address`)
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

/**
 * Sends bytes as the trusted proxy does, in packets of their own.
 * @param ends whether to say then that no more will come, because the server may wait for the rest of a header
 */
function deliver(bytes: Buffer, cuts: readonly number[], ends: boolean): Promise<string> {
  const stops = [...new Set([...cuts.filter(cut => cut < bytes.length), bytes.length])].sort((a, b) => a - b)
  return new Promise(resolve => {
    let text = ''
    const socket = connect({ port: ground.server.port, host: '127.0.0.1', localAddress: PROXY, noDelay: true }, () => {
      let from = 0
      const next = () => {
        const end = stops.shift()
        if (end === undefined) return ends ? void socket.end() : undefined
        socket.write(bytes.subarray(from, end), () => setTimeout(next, 1))
        from = end
      }
      next()
    })
    socket.setTimeout(10_000, () => socket.destroy())
    socket.on('data', data => (text += data.toString('latin1')))
    socket.on('error', () => {}).on('close', () => resolve(text))
  })
}

endsWell(ground)
