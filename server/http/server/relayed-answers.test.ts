import type { RequestListener } from 'node:http'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { fakeSessions, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import type { Env } from '../request/hono-env.ts'
import { testUpstream, listen, testRelay } from '../../relay/relay.testing.ts'

// What a browser gets of an upstream's answer, through everything that an answer passes.

async function before(
  listener: RequestListener,
  changes: Partial<Upstream> = {},
  deps: Parameters<typeof startApp>[0] = {},
) {
  const upstream = await listen(listener)
  const relay = testRelay([testUpstream(upstream.origin, changes)])
  const app = await startApp({ relay, ...deps })
  onTestFinished(async () => {
    await app.close()
    await relay.close()
    await upstream.close()
  })
  return app
}
const signedIn = { headers: { cookie: SIGNED_IN } }

test('CK-11 HD-14 no spelling of one of our cookies comes from an upstream; two of one name and different paths both do', async () => {
  const theirs = [
    'a=1; Path=/',
    'a=2; Path=/x',
    'a=3; Domain=porch.example; Path=/x',
    'a=4; path = /',
    '=theme=dark',
    '__Secure-b=1; Secure',
  ]
  const forged = [
    '=porchlight-access=evil',
    ' == porchlight-access=evil',
    '=__Host-porchlight-access=evil',
    '__Secure-porchlight-refresh=evil',
    '__Http-porchlight-refresh=evil',
    'PORCHLIGHT-login-x=evil',
    'porchlight-form',
  ]
  const { ask } = await before(
    (_incoming, outgoing) => void outgoing.writeHead(200, { 'set-cookie': [...theirs, ...forged] }).end(),
    { cookies: true },
  )
  const answer = await ask('/api/notes', signedIn)
  // The fourth is the first one set again, which a browser would keep too.
  expect(answer.headers['set-cookie']).toEqual([
    'a=4; path = /',
    'a=2; Path=/x',
    'a=3; Domain=porch.example; Path=/x',
    '=theme=dark',
    '__Secure-b=1; Secure',
  ])
})

test('an answer that names trailers without chunks arrives, with all of our headers', async () => {
  const { ask, log } = await before((_incoming, outgoing) => {
    // Node refuses to say so itself.
    outgoing.socket?.end('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok')
  })
  for (const method of ['GET', 'HEAD']) {
    const answer = await ask('/api/notes', { ...signedIn, method })
    expect([answer.status, answer.body]).toEqual([200, method === 'GET' ? 'ok' : ''])
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
      'cache-control': 'private, no-store',
    })
  }
  expect(log.lines.filter(line => line.level === 'error')).toEqual([])
})

test.each(['text/event-stream', 'text/event-stream; charset=utf-8', 'Text/Event-Stream ;x=y'])(
  '%s tells a proxy in front not to hold events back',
  async type => {
    const { ask } = await before(
      (incoming, outgoing) =>
        void outgoing
          .writeHead(200, { 'content-type': type, 'x-accel-buffering': incoming.url === '/yes' ? 'yes' : '' })
          .end('data: 1\n\n'),
    )
    for (const path of ['/api/notes/feed', '/api/notes/yes'])
      expect((await ask(path, signedIn)).headers['x-accel-buffering']).toBe('no')
    expect((await ask('/api/notes/feed', { ...signedIn, method: 'HEAD' })).headers['x-accel-buffering']).toBe('no')
  },
)

test('a stream of our own tells proxies not to buffer; an upstream may ask for that with any response, and for nothing else', async () => {
  const authRoutes = new Hono<Env>().get('/feed', c =>
    c.body('data: 1\n\n', 200, { 'Content-Type': 'text/event-stream' }),
  )
  const app = await startApp({ authRoutes })
  onTestFinished(app.close)
  expect((await app.ask('/auth/feed')).headers['x-accel-buffering']).toBe('no')

  const say = (value: string) =>
    before(
      (_incoming, outgoing) =>
        void outgoing.writeHead(200, { 'content-type': 'application/x-ndjson', 'x-accel-buffering': value }).end('{}'),
    )
  expect((await (await say('no')).ask('/api/notes', signedIn)).headers['x-accel-buffering']).toBe('no')
  for (const value of ['yes', 'off', 'no, yes'])
    expect((await (await say(value)).ask('/api/notes', signedIn)).headers).not.toHaveProperty('x-accel-buffering')
})

test('a call whose answer cannot be sent is a 500 at once, and its upstream is let go', async () => {
  const left = Promise.withResolvers<unknown>()
  const sessions = { ...fakeSessions(), cookiesFor: () => ['a=\n'] }
  const { ask } = await before(
    (_incoming, outgoing) => {
      outgoing.on('close', () => left.resolve(null))
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.write('data: 1\n\n')
    },
    {},
    { sessions },
  )
  const answer = await ask('/api/notes', { headers: { cookie: 'porchlight-access=due' } })
  expect([answer.status, answer.json()]).toMatchObject([500, { code: 'internal' }])
  expect(answer.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining('default-src'),
    'referrer-policy': 'same-origin',
  })
  await left.promise
})
