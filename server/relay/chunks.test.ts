import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { relayTo } from './upstream.testing.ts'
import { release } from './chunks.ts'
import { ANNA } from './relay.testing.ts'
import { webSink } from './web-sink.ts'

const MB = 1024 * 1024
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** An upstream that returns the hash of the request body, and reads slowly at `/slowly`. */
const hashing = () =>
  relayTo((incoming, outgoing) => {
    const hash = createHash('sha256')
    const read = async () => {
      let chunks = 0
      for await (const chunk of incoming) {
        hash.update(chunk as Buffer)
        if (incoming.url === '/slowly' && chunks++ % 40 === 0) await wait(5)
      }
      outgoing.end(hash.digest('hex'))
    }
    void read()
  })

test('no byte of a large upload is lost or changed, however the upstream reads it', async () => {
  const { origin } = await hashing()
  // Every position differs, so that memory freed too early would show.
  const whole = randomBytes(24 * MB)
  const send = async (path: string, isLengthKnown: boolean) => {
    const outgoing = request(`${origin}/api/notes${path}`, {
      method: 'POST',
      agent: false,
      headers: isLengthKnown ? { 'content-length': whole.length } : {},
    })
    Readable.from(Array.from({ length: 24 }, (_, at) => whole.subarray(at * MB, (at + 1) * MB))).pipe(outgoing)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return (await answer.toArray()).join('')
  }
  const hashes = await Promise.all([send('', true), send('/slowly', true), send('/slowly', false), send('', false)])
  expect(new Set(hashes)).toEqual(new Set([sha256(whole)]))
})

test("a rendering page's own request body is not freed", async () => {
  const { relay } = await hashing()
  const match = relay.match('/api/notes')
  if (match === null) throw new Error('there is no such upstream')
  const own = randomBytes(4 * MB)
  const hash = sha256(own)
  const pieces = Array.from(
    { length: 64 },
    (_, at) => new Uint8Array(own.buffer.slice(own.byteOffset + (at * MB) / 16, own.byteOffset + ((at + 1) * MB) / 16)),
  )
  const { sink, response } = webSink(null)
  const asked = {
    id: 'r',
    method: 'POST',
    path: '/api/notes',
    search: '',
    rawHeaders: ['Content-Length', String(own.length)],
    body: Readable.from(pieces),
    network: '192.0.2.7',
    caller: ANNA,
  }
  const passed = relay.pass(match, asked, sink)
  expect(await (await response).text()).toBe(hash)
  await passed
  expect(pieces.every(piece => piece.byteLength === MB / 16)).toBe(true)
  expect(sha256(Buffer.concat(pieces))).toBe(hash)
})

test('only a chunk that does not share its memory is freed', () => {
  const alone = Buffer.from(new ArrayBuffer(64))
  release(alone)
  expect(alone.byteLength).toBe(0)
  const part = Buffer.from(new ArrayBuffer(64), 0, 32)
  release(part)
  expect(part.byteLength).toBe(32)
  const shared = new Uint8Array(new SharedArrayBuffer(64))
  release(shared)
  expect(shared.byteLength).toBe(64)
})
