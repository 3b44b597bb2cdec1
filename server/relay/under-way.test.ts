import { once } from 'node:events'
import { request, type IncomingMessage, type RequestListener } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { SIGNED_IN, startApp } from '../../tests/support/app.ts'
import { testUpstream, ask, listen, testRelay, testStreams } from './relay.testing.ts'
import type { InFlight } from './in-flight.ts'

// A call that is filed under its session has to be taken out again, whatever becomes of it: what stays is a leak.

const UPSTREAM: RequestListener = (incoming, outgoing) => {
  outgoing.on('error', () => {})
  incoming.on('error', () => {})
  if (incoming.url === '/refused') outgoing.writeHead(401).end()
  else if (incoming.url === '/cut')
    outgoing.writeHead(200, { 'content-length': '100' }).write('half', () => outgoing.destroy())
  else if (incoming.url === '/broken') outgoing.destroy()
  else if (incoming.url === '/feed')
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n')
  else if (incoming.url !== '/silent') incoming.resume().on('end', () => outgoing.end('{}'))
}

async function stage() {
  const here = new Set<InFlight>()
  const upstream = await listen(UPSTREAM)
  const streams = testStreams()
  const counted = {
    ...streams,
    join(one: InFlight) {
      here.add(one)
      streams.join(one)
    },
    leave(one: InFlight) {
      here.delete(one)
      streams.leave(one)
    },
  }
  const tokens = {
    tokenFor: async (_upstream: unknown, _caller: unknown, fresh: boolean) => {
      if (fresh) throw new Problem('not_signed_in')
      return 'kept'
    },
    forget() {},
  }
  const relay = testRelay([testUpstream(upstream.origin, { maxBodyBytes: 1000 })], tokens, counted)
  const app = await startApp({ relay })
  onTestFinished(async () => {
    streams.close()
    await app.close()
    await relay.close()
    await upstream.close()
  })
  return { app, here, streams }
}

const headers = { host: 'porch.example', cookie: SIGNED_IN, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }

test.each<[string, string, number | 'cut']>([
  ['is answered', '/api/notes/x', 200],
  ['is refused, and gets no new token', '/api/notes/refused', 401],
  ['breaks off before its answer', '/api/notes/broken', 502],
  ['breaks off in its answer', '/api/notes/cut', 'cut'],
])('a call that %s is under way no longer', async (_title, path, outcome) => {
  const { app, here } = await stage()
  const { status, complete } = await ask(`http://127.0.0.1:${app.port}`, path, { headers })
  expect([complete ? status : 'cut', here.size]).toEqual([outcome, 0])
})

test('a call whose body is too large, or whose client leaves, is under way no longer', async () => {
  const { app, here } = await stage()
  const large = request({
    port: app.port,
    path: '/api/notes/x',
    method: 'POST',
    agent: false,
    headers: { ...headers, 'transfer-encoding': 'chunked' },
  }).on('error', () => {})
  large.write('x'.repeat(2000))
  expect(((await once(large, 'response')) as [IncomingMessage])[0].statusCode).toBe(413)
  const waiting = request({ port: app.port, path: '/api/notes/silent', agent: false, headers })
    .on('error', () => {})
    .end()
  await expect.poll(() => here.size).toBe(1)
  waiting.destroy()
  await expect.poll(() => here.size).toBe(0)
  large.destroy()
})

test('a client that reads no more is cut some seconds after its stream has ended', { timeout: 15_000 }, async () => {
  const { app, streams } = await stage()
  const feed = request({ port: app.port, path: '/api/notes/feed', agent: false, headers })
    .on('error', () => {})
    .end()
  const [events] = (await once(feed, 'response')) as [IncomingMessage]
  events.on('error', () => {}).pause()
  streams.ended('s1', 'signed_out')
  await expect
    .poll(() => new Promise(resolve => app.server.getConnections((_error, count) => resolve(count))), {
      timeout: 10_000,
    })
    .toBe(0)
})
