import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeSink } from './node-sink.ts'
import { testUpstream, front, listen } from './relay.testing.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** All 256 byte values, repeated `times` times. */
const everyByte = (times: number) => Buffer.from(Array.from({ length: 256 * times }, (_, at) => at % 256))

/** A relay to an upstream that sends these pieces, each in a turn of its own. */
async function before(pieces: readonly Buffer[], headers: Record<string, string> = {}) {
  const upstream = await listen((_incoming, outgoing) => {
    outgoing.writeHead(200, headers)
    const send = ([piece, ...rest]: readonly Buffer[]) => {
      if (piece === undefined) return outgoing.end()
      outgoing.write(piece)
      setTimeout(send, 20, rest)
    }
    if (pieces.length === 1) outgoing.end(pieces[0])
    else send(pieces)
  })
  const { origin, close } = await front([testUpstream(upstream.origin)])
  closing.push(upstream.close, close)
  return origin
}

async function bodyOf(origin: string): Promise<Buffer> {
  const [answer] = (await once(request(`${origin}/api/notes`, { agent: false }).end(), 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  return Buffer.concat((await answer.toArray()) as Buffer[])
}

describe('however a response is chunked, its bytes arrive unchanged', () => {
  test.each([
    ['a small one of known length, in one piece', [everyByte(1)], { 'content-length': '256' }],
    ['a small one of unknown length', [everyByte(1)], { 'transfer-encoding': 'chunked' }],
    ['one of exactly what leaves in one piece', [everyByte(64)], { 'content-length': String(64 * 256) }],
    [
      'one of a byte more',
      [Buffer.concat([everyByte(64), Buffer.from([200])])],
      { 'content-length': String(64 * 256 + 1) },
    ],
    ['a small piece and a large one', [everyByte(1), everyByte(400)], { 'content-length': String(401 * 256) }],
    ['small pieces, one after another', [everyByte(1), everyByte(2), everyByte(3)], {}],
    ['none at all', [Buffer.alloc(0)], { 'content-length': '0' }],
  ])('%s', async (_what, pieces, headers) => {
    expect((await bodyOf(await before(pieces, headers))).equals(Buffer.concat(pieces))).toBe(true)
  })
})

test.each([
  ['of known length', true],
  ['in chunks', false],
])('no byte of a large response %s is lost or changed, however the client reads', async (_what, isLengthKnown) => {
  const MB = 1024 * 1024
  // Every position differs, so that memory freed too early would show.
  const whole = randomBytes(24 * MB)
  const upstream = await listen((_incoming, outgoing) => {
    outgoing.writeHead(200, isLengthKnown ? { 'content-length': String(whole.length) } : {})
    const send = (at: number) => {
      if (at >= whole.length) return outgoing.end()
      outgoing.write(whole.subarray(at, at + MB), () => send(at + MB))
    }
    send(0)
  })
  const { origin, close } = await front([testUpstream(upstream.origin)])
  closing.push(upstream.close, close)
  const read = async (pauses: boolean) => {
    const [answer] = (await once(request(`${origin}/api/notes`, { agent: false }).end(), 'response')) as [
      IncomingMessage,
    ]
    const hash = createHash('sha256')
    let chunks = 0
    for await (const chunk of answer) {
      hash.update(chunk as Buffer)
      if (pauses && chunks++ % 40 === 0) await new Promise(resolve => setTimeout(resolve, 5))
    }
    return [answer.complete, hash.digest('hex')]
  }
  const expected = [true, createHash('sha256').update(whole).digest('hex')]
  expect(await Promise.all([read(false), read(true), read(true), read(false)])).toEqual([
    expected,
    expected,
    expected,
    expected,
  ])
})

test('the first piece does not wait for the second, nor the headers for a body', async () => {
  const upstream = await listen((incoming, outgoing) => {
    outgoing.writeHead(200)
    if (incoming.url === '/piece') outgoing.write('first')
    else outgoing.flushHeaders()
  })
  const { origin, close } = await front([testUpstream(upstream.origin)])
  closing.push(upstream.close, close)
  for (const [path, awaited] of [
    ['/piece', 'first'],
    ['/headers', '\r\n\r\n'],
  ] as const) {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.write(`GET /api/notes${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    let received = ''
    for await (const chunk of socket) {
      received += String(chunk)
      if (received.includes(awaited)) break
    }
    expect(received).toContain(awaited)
    socket.destroy()
  }
})

test('a large chunk that the kernel accepts is sent at once without backpressure; one that it does not causes a pause', async () => {
  // The sink owns a chunk once it was written.
  const chunk = () => Buffer.alloc(64 * 1024, 'x')
  const told: boolean[] = []
  const here = await listen((incoming, outgoing) => {
    const sink = nodeSink(outgoing, () => {})
    sink.start(200, ['content-length', String(1000 * 64 * 1024)], null)
    told.push(sink.write(chunk()))
    // The client does not read, so that the kernel eventually accepts no more.
    for (let i = 0; i < 998 && told.at(-1); i++) told.push(sink.write(chunk()))
    sink.onDrain(() => {
      sink.write(chunk())
      outgoing.destroy()
    })
    incoming.resume()
  })
  closing.push(here.close)
  const socket = connect(Number(new URL(here.origin).port), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => told.length).toBeGreaterThan(0)
  expect([told[0], told.at(-1)]).toEqual([true, false])
  expect(told.length).toBeLessThan(999)
  // Once the client reads again, writing continues.
  const chunks = (await socket
    .on('error', () => {})
    .toArray()
    .catch(() => [] as Buffer[])) as Buffer[]
  expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nx{1000}/)
})
