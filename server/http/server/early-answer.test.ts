import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { testUpstream, listen, testRelay } from '../../relay/relay.testing.ts'

// An upstream may answer before it has the whole request (RFC 9112 §9.3), and a client may then stop, or go on.

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const LENGTH = 10_000_000

async function start() {
  let dropped: () => void = () => {}
  const upstream = await listen((incoming, outgoing) => {
    incoming.on('error', () => {})
    incoming.socket.once('close', dropped)
    outgoing.writeHead(413, { 'content-type': 'text/plain' }).end('enough')
  })
  const relay = testRelay([testUpstream(upstream.origin)])
  const app = await startApp({ relay })
  closing.push(upstream.close, () => relay.close(), app.close)
  const head = `POST /api/notes/ HTTP/1.1\r\nHost: porch.example\r\nCookie: ${SIGNED_IN}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: ${LENGTH}\r\n\r\n`
  return {
    app,
    head,
    upstreamLetGo: new Promise<void>(resolve => {
      dropped = resolve
    }),
  }
}

test('a client that stops in the middle of an upload of known length after an early answer gets it, and its connection ends', async () => {
  const { app, head, upstreamLetGo } = await start()
  const socket = connect(app.port, '127.0.0.1')
  let received = ''
  socket.on('data', chunk => (received += chunk.toString('latin1')))
  socket.write(`${head}${'x'.repeat(1000)}`)
  // It sends nothing more and never closes: both ends of its request are ours to let go.
  await Promise.all([once(socket, 'close'), upstreamLetGo])
  expect(received).toMatch(/^HTTP\/1\.1 413 /)
  expect(received).toContain('enough')
  await expect.poll(() => app.log.lines.find(({ message }) => message === 'request')).toMatchObject({ status: 413 })
  expect(app.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('a client that goes on sending for a moment after an early response reads it, and its next request is served', async () => {
  const { app } = await start()
  const sent = request({
    port: app.port,
    path: '/api/notes/',
    method: 'POST',
    agent: false,
    headers: { host: 'porch.example', cookie: SIGNED_IN, 'sec-fetch-site': 'same-origin', 'content-length': LENGTH },
  })
  sent.on('error', () => {})
  sent.write(Buffer.alloc(LENGTH / 2))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  sent.end(Buffer.alloc(LENGTH / 2))
  expect([answer.statusCode, (await answer.toArray()).join('')]).toEqual([413, 'enough'])
  expect((await app.ask('/auth/session', { headers: { cookie: SIGNED_IN } })).status).toBe(200)
})

test('a request without a body that is answered at once is forgotten at once', async () => {
  const { app } = await start()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  try {
    for (const path of ['/auth/session', '/auth/nothing', '/%zz']) await app.ask(path)
    expect(timers.mock.calls.filter(([, ms]) => ms === 1000)).toEqual([])
  } finally {
    timers.mockRestore()
  }
})
