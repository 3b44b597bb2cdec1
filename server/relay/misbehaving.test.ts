import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { relayTo, relayToRaw } from './upstream.testing.ts'
import { testUpstream, ask, front, listen } from './relay.testing.ts'

// Upstreams that misbehave.

const code = (body: string) => JSON.parse(body).code as string
const saying = (answer: string) => (socket: Socket) => void socket.once('data', () => socket.end(answer))

test('an upstream that is down, or closes the connection: 502', async () => {
  const gone = await listen(() => {})
  await gone.close()
  const here = await front([testUpstream(gone.origin)])
  onTestFinished(here.close)
  expect(await ask(here.origin, '/api/notes')).toMatchObject({ status: 502 })
  const reset = await relayToRaw(socket => socket.once('data', () => socket.resetAndDestroy()))
  const answer = await ask(reset.origin, '/api/notes')
  expect([answer.status, code(answer.body)]).toEqual([502, 'upstream_unreachable'])
})

test('an upstream that never answers: 504', async () => {
  const { origin } = await relayToRaw(() => {}, {
    timeouts: { connectMs: 500, headersMs: 300, idleMs: 300, websocketIdleMs: 5000 },
  })
  const answer = await ask(origin, '/api/notes')
  expect([answer.status, code(answer.body)]).toEqual([504, 'upstream_timeout'])
})

test('an upstream that trickles its headers gets no more time than a silent one: 504', async () => {
  let left: () => void = () => {}
  const leaving = new Promise<void>(resolve => {
    left = resolve
  })
  // Waits for the request, or on a busy machine a header line could precede the status line.
  const { origin } = await relayToRaw(
    socket =>
      void socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const trickle = setInterval(() => socket.write('x-a: b\r\n'), 20)
        socket.on('close', () => {
          clearInterval(trickle)
          left()
        })
      }),
    { timeouts: { connectMs: 500, headersMs: 300, idleMs: 300, websocketIdleMs: 5000 }, maxHeaderBytes: 1024 * 1024 },
  )
  const answer = await ask(origin, '/api/notes')
  expect([answer.status, code(answer.body)]).toEqual([504, 'upstream_timeout'])
  await leaving
})

test('a trickling body is passed on byte by byte, as long as it is never silent for the idle time', async () => {
  const IDLE_MS = 600
  const bytes = [...'slowly, and yet all of it is here']
  let trickled = 0
  const { origin } = await relayToRaw(
    socket => {
      const trickle = async () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`)
        for (const byte of bytes) {
          socket.write(byte)
          trickled++
          await wait((2 * IDLE_MS) / bytes.length)
        }
      }
      socket.once('data', () => void trickle())
    },
    { timeouts: { connectMs: 500, headersMs: 500, idleMs: IDLE_MS, websocketIdleMs: 5000 } },
  )
  const outgoing = request(`${origin}/api/notes`, { agent: false }).end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  await once(incoming, 'data')
  expect(trickled, 'the first byte does not wait for the last').toBeLessThan(bytes.length)
  await once(incoming.resume(), 'end')
  expect(incoming.complete).toBe(true)
})

test('a body that falls silent is cut off, so that a partial response is not mistaken for complete', async () => {
  const { origin } = await relayTo(
    (_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/plain' })
      outgoing.write('half')
    },
    { timeouts: { connectMs: 500, headersMs: 500, idleMs: 200, websocketIdleMs: 5000 } },
  )
  expect(await ask(origin, '/api/notes')).toMatchObject({ status: 200, complete: false })
})

test('ASVS 4.2 a body shorter than announced is cut off; two lengths, or a length with chunks, are never passed on', async () => {
  const short = await relayToRaw(saying('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'))
  expect(await ask(short.origin, '/api/notes')).toMatchObject({ complete: false })
  for (const head of [
    'content-length: 4\r\ncontent-length: 5',
    'content-length: 5\r\ncontent-length: 5',
    'content-length: 4, 5',
    'content-length: 4\r\ntransfer-encoding: chunked',
  ]) {
    const odd = await relayToRaw(saying(`HTTP/1.1 200 OK\r\n${head}\r\n\r\nhalf!`))
    const answer = await ask(odd.origin, '/api/notes')
    expect([head, answer.status, code(answer.body)]).toEqual([head, 502, 'upstream_unreachable'])
  }
})

test('ASVS 4.2 bytes beyond the announced length reach no client and are never taken for the next response', async () => {
  let connections = 0
  const { origin } = await relayToRaw(socket => {
    const forged = connections++ === 0 ? 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged' : ''
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhonest${forged}`))
  })
  for (let call = 0; call < 5; call++)
    expect(await ask(origin, '/api/notes')).toMatchObject({ status: 200, body: 'honest', complete: true })
})

test('a decompression bomb is relayed as the bytes received, and decompressed nowhere', async () => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024))
  const { origin } = await relayTo(
    (_incoming, outgoing) => void outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  const before = process.memoryUsage.rss()
  const outgoing = request(`${origin}/api/notes`, { agent: false }).end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect(incoming.headers['content-encoding']).toBe('gzip')
  expect(bomb.equals(Buffer.concat((await incoming.toArray()) as Buffer[]))).toBe(true)
  expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024)
})

test("thousands of headers: 502 if they exceed the route's limit, otherwise all of them arrive", async () => {
  const many = 'x-a: b\r\n'.repeat(9000)
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${many}\r\n`
  const refusing = await relayToRaw(saying(answer))
  const refused = await ask(refusing.origin, '/api/notes')
  expect([refused.status, code(refused.body)]).toEqual([502, 'upstream_unreachable'])

  const taking = await relayToRaw(saying(answer), { maxHeaderBytes: 2 * answer.length })
  const outgoing = request(`${taking.origin}/api/notes`, { agent: false, maxHeaderSize: 4 * answer.length })
  outgoing.maxHeadersCount = 0
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect([incoming.statusCode, incoming.rawHeaders.filter(part => part === 'x-a').length]).toEqual([200, 9000])
  incoming.resume()
})

test("a body past the route's limit: 413, announced or not", async () => {
  const { origin } = await relayTo(
    (incoming, outgoing) => {
      incoming.resume()
      incoming.on('end', () => outgoing.end('ok'))
    },
    { maxBodyBytes: 1000 },
  )
  expect((await ask(origin, '/api/notes', { method: 'POST', send: Buffer.alloc(1000) })).status).toBe(200)
  expect((await ask(origin, '/api/notes', { method: 'POST', send: Buffer.alloc(1001) })).status).toBe(413)
  expect(
    (
      await ask(origin, '/api/notes', {
        method: 'POST',
        headers: { 'Transfer-Encoding': 'chunked' },
        send: Buffer.alloc(5000),
      })
    ).status,
  ).toBe(413)
})

test.each([['100'], ['100', '103'], ['103', '100', '102'], ['102', '100', '100'], ['199']])(
  'RFC 9110 §15.2 unsolicited interim responses are skipped: %s %s %s',
  async (...statuses) => {
    const interim = statuses
      .map(status => `HTTP/1.1 ${status} x\r\n${status === '103' ? 'link: </a>; rel=preload\r\n' : ''}\r\n`)
      .join('')
    for (const method of ['GET', 'HEAD', 'POST']) {
      const { origin } = await relayToRaw(
        socket =>
          void socket.on('data', () =>
            socket.write(`${interim}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${method === 'HEAD' ? '' : 'ok'}`),
          ),
      )
      // Except for HEAD, the second comes on the same connection.
      for (let call = 0; call < 2; call++)
        expect(await ask(origin, '/api/notes', { method })).toMatchObject({
          status: 200,
          body: method === 'HEAD' ? '' : 'ok',
          complete: true,
        })
    }
  },
)

test('a 100 that arrives in pieces is skipped, but a body that looks like one is a body', async () => {
  const text = 'HTTP/1.1 100 Continue\r\n\r\n'
  const { origin } = await relayToRaw(socket => {
    const say = async () => {
      for (const piece of [
        text.slice(0, 9),
        text.slice(9, 12),
        text.slice(12),
        `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`,
        text,
      ]) {
        socket.write(piece)
        await wait(20)
      }
    }
    socket.once('data', () => void say())
  })
  expect(await ask(origin, '/api/notes')).toMatchObject({ status: 200, body: text, complete: true })
})

test('an upstream that only sends interim responses is given up', async () => {
  const { origin } = await relayToRaw(
    socket => void socket.once('data', () => socket.write('HTTP/1.1 102 x\r\n\r\n'.repeat(200))),
  )
  const answer = await ask(origin, '/api/notes')
  expect([answer.status, code(answer.body)]).toEqual([502, 'upstream_unreachable'])
})

test('an unsolicited switch of protocols is not a response', async () => {
  const { origin } = await relayToRaw(
    saying('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
  )
  const answer = await ask(origin, '/api/notes')
  expect([answer.status, code(answer.body)]).toEqual([502, 'upstream_unreachable'])
})
