import { once } from 'node:events'
import { connect } from 'node:net'
import { request, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { ADA, PUBLIC_URL, type Running, SESSION, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import type { SiteContext } from '../../contract/site-context.ts'
import { SITE_CONTEXT } from '../../contract/site-context.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { drain } from './drain.ts'
import type { UpstreamTokens } from '../../relay/types.ts'
import { testUpstream, listen, testRelay, testStreams } from '../../relay/relay.testing.ts'

// Relayed calls through everything that a request passes, on real sockets.

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(changes: Partial<Upstream> = {}, app: Parameters<typeof startApp>[0] = {}) {
  const seen: { url: string; headers: IncomingMessage['headers'] }[] = []
  const sockets = new WebSocketServer({ noServer: true })
  const upstream = await listen((incoming, outgoing) => {
    seen.push({ url: incoming.url ?? '', headers: incoming.headers })
    if (incoming.url === '/feed') {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.write('data: hello\n\n')
      return
    }
    outgoing
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ hello: incoming.headers.authorization ?? null }))
  })
  upstream.server.on('upgrade', (incoming, socket, head) => {
    seen.push({ url: incoming.url ?? '', headers: incoming.headers })
    if (incoming.url === '/stale' && !incoming.headers.authorization?.startsWith('Bearer fresh.'))
      return socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    if (incoming.url === '/never') return socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    if (incoming.url === '/refused') return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\nsecret')
    sockets.handleUpgrade(incoming, socket, head, client => {
      client.on('message', (data, binary) => client.send(data, { binary }))
    })
  })
  const streams = testStreams()
  const relay = testRelay([testUpstream(upstream.origin, { websocket: true, ...changes })], undefined, streams)
  const running: Running = await startApp({ relay, ...app })
  closing.push(upstream.close, () => relay.close(), running.close)
  return { ...running, seen, streams, relay }
}

const fromHere = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }

describe('calls', () => {
  test('a signed-in call reaches the upstream with a token that the browser never had', async () => {
    const { ask, seen } = await start()
    const answer = await ask('/api/notes/a?b=c', { headers: { cookie: SIGNED_IN } })
    expect([answer.status, answer.json()]).toEqual([200, { hello: `Bearer kept.notes.${ADA.id}` }])
    expect(seen[0]?.headers).toMatchObject({ 'x-forwarded-host': 'site.test' })
    expect(seen[0]?.headers.cookie).toBeUndefined()
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'; sandbox; frame-ancestors 'none'")
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  })

  test('a renewal rides on a relayed answer, which is then kept by no cache', async () => {
    const { ask } = await start()
    const answer = await ask('/api/notes', { headers: { cookie: 'porchlight-access=due' } })
    expect(answer.headers['set-cookie']).toHaveLength(2)
    expect(answer.headers['cache-control']).toBe('private, no-store')
  })

  test('CS-1 BBA-9 an unsafe call from elsewhere, a sibling host included, does not reach the upstream', async () => {
    const { ask, seen } = await start()
    const post = (headers: Record<string, string>) =>
      ask('/api/notes', {
        method: 'POST',
        headers: { cookie: SIGNED_IN, 'content-type': 'text/plain', ...headers },
        body: 'x',
      })
    expect((await post({ 'sec-fetch-site': 'same-site', origin: 'http://evil.porch.example' })).status).toBe(403)
    expect((await post({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post({})).status).toBe(403)
    expect(seen).toEqual([])
    expect((await post({ ...fromHere, origin: PUBLIC_URL })).status).toBe(200)
  })

  test.each([
    '/api/notes/../admin',
    '/api/notes/%2e%2e/admin',
    '/api/notes/%252e%252e/admin',
    '/api/notes//x',
    '/api/notes/..%2fadmin',
    '/api/notes/%5c..%5cx',
    '/api/notes/a;b',
    '/api/notes\\..\\x',
    '/api/notes/%zz',
    '/api/notes/a%00',
    'http://evil.test/api/notes',
    '//evil.test/api/notes',
    '/api/notes/\u0001',
  ])('BBA-13 BBA-14 %s reaches nobody', async target => {
    const { raw, seen } = await start()
    const answer = await raw(
      `GET ${target} HTTP/1.1\r\nHost: porch.example\r\nCookie: ${SIGNED_IN}\r\nConnection: close\r\n\r\n`,
    )
    expect(Number(answer.slice(9, 12))).toSatisfy(
      (status: number) => status === 400 || (status === 200 && target.includes('%00') && seen.length === 1),
    )
    if (!target.includes('%00')) expect(seen).toEqual([])
  })

  test('RFC 9112 §3.2.2 BBA-13 the whole URL of this site reaches the upstream as a path, for a live connection too; a Host beside it reaches nobody', async () => {
    const { raw, seen } = await start()
    const head = `Host: evil.example\r\nCookie: ${SIGNED_IN}\r\n`
    expect(await raw(`GET ${PUBLIC_URL}/api/notes/a?b=c HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 200 /,
    )
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    expect(
      await raw(`GET ${PUBLIC_URL}/api/notes/refused HTTP/1.1\r\n${head}Origin: ${PUBLIC_URL}\r\n${upgrade}\r\n`),
    ).toMatch(/^HTTP\/1.1 502 /)
    expect(seen.map(one => one.url)).toEqual(['/a?b=c', '/refused'])
    expect(JSON.stringify(seen)).not.toContain('evil')
  })

  test('BBA-15 an upstream that lists PROPFIND gets it, from our own pages only; what it does not list is 405 and says what is', async () => {
    const { ask, seen } = await start({ methods: ['PROPFIND', 'REPORT'] })
    const call = (method: string, headers: Record<string, string> = fromHere) =>
      ask('/api/notes/x', { method, headers: { cookie: SIGNED_IN, ...headers } })
    expect((await call('PROPFIND')).status).toBe(200)
    expect((await call('REPORT')).status).toBe(200)
    expect((await call('PROPFIND', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    for (const method of ['GET', 'POST', 'TRACE', 'LOCK']) {
      const refused = await call(method)
      expect([refused.status, refused.headers.allow]).toEqual([405, 'PROPFIND, REPORT'])
    }
    expect(seen).toHaveLength(2)
    const usual = await (
      await start()
    ).ask('/api/notes/x', { method: 'PROPFIND', headers: { cookie: SIGNED_IN, ...fromHere } })
    expect([usual.status, usual.headers.allow]).toEqual([405, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'])
  })

  test('`@` and a port in the path stay in the path', async () => {
    const { ask, seen } = await start()
    expect((await ask('/api/notes/@evil.test:80/x', { headers: { cookie: SIGNED_IN } })).status).toBe(200)
    expect(seen[0]).toMatchObject({ url: '/@evil.test:80/x' })
    expect((await ask('/api/notes@evil.test/x', { headers: { cookie: SIGNED_IN } })).status).toBe(404)
  })

  test('a route may allow escaped slashes in its tail', async () => {
    const { ask, seen } = await start({ encodedPaths: true })
    expect((await ask('/api/notes/a%2fb//c;d', { headers: { cookie: SIGNED_IN } })).status).toBe(200)
    expect(seen[0]?.url).toBe('/a%2fb//c;d')
    expect((await ask('/api/notes/..%2fb', { headers: { cookie: SIGNED_IN } })).status).toBe(400)
  })

  test('nobody signed in is told so as JSON; a sign-in too long ago with the challenge of RFC 9470', async () => {
    const { ask, seen } = await start({ requires: { signedIn: true, roles: [], maxAgeMs: 60_000, acr: null } })
    const nobody = await ask('/api/notes')
    expect([nobody.status, nobody.headers['content-type']]).toEqual([401, 'application/problem+json'])
    const old = await ask('/api/notes', { headers: { cookie: SIGNED_IN } })
    expect([old.status, old.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", max_age="60"',
    ])
    expect(seen).toEqual([])
  })

  test('what belongs to no upstream is 404 in JSON; an h2c upgrade is a call like any other', async () => {
    const { ask, seen } = await start()
    expect((await ask('/api/other', { headers: { cookie: SIGNED_IN } })).status).toBe(404)
    expect(
      (
        await ask('/api/notes', {
          headers: { cookie: SIGNED_IN, connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AA' },
        })
      ).status,
    ).toBe(200)
    expect(seen[0]?.headers).not.toHaveProperty('upgrade')
    expect(seen[0]?.headers).not.toHaveProperty('http2-settings')
  })

  test('Expect: 100-continue is answered before the body is asked for', async () => {
    const { port } = await start()
    const outgoing = request({
      port,
      path: '/api/notes',
      method: 'POST',
      agent: false,
      headers: { host: 'porch.example', cookie: SIGNED_IN, expect: '100-continue', 'content-length': 4, ...fromHere },
    })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end('body')
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(response.resume().statusCode).toBe(200)
  })

  test('a page that is rendering calls upstreams in the process, by the same rules', async () => {
    const { ask, seen } = await start(
      {},
      {
        site: {
          built: null,
          development: null,
          listener: async () => async (incoming, outgoing) => {
            const context = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]
            const inside = await context?.fetch('/api/notes/inside')
            const unsafe = await context?.fetch('/api/notes/inside', { method: 'DELETE' })
            outgoing.end(JSON.stringify([await inside?.json(), unsafe?.status]))
          },
        },
      },
    )
    expect((await ask('/page', { headers: { cookie: SIGNED_IN } })).json()).toEqual([
      { hello: `Bearer kept.notes.${ADA.id}` },
      403,
    ])
    expect((await ask('/page')).json()).toMatchObject([{ code: 'not_signed_in' }, 403])
    expect(seen.map(one => one.url)).toEqual(['/inside'])
  })
})

test('OIDC Core §5.1 the language that a person chose is known for calls, live connections and calls of rendering pages, where the upstream wants it', async () => {
  const seen: (string | undefined)[] = []
  const upstream = await listen((incoming, outgoing) => {
    seen.push(incoming.headers.authorization)
    outgoing.end('{}')
  })
  upstream.server.on('upgrade', (incoming, socket) => {
    seen.push(incoming.headers.authorization)
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  })
  const tokens: UpstreamTokens = { tokenFor: (_upstream, { language }) => `for.${language}`, forget() {} }
  const notes = testUpstream(upstream.origin, { websocket: true, claims: ['locale'] })
  const relay = testRelay([notes, testUpstream(upstream.origin, { name: 'plain', prefix: '/api/plain' })], tokens)
  const app = await startApp({
    relay,
    site: {
      built: null,
      development: null,
      listener: async () => async (incoming, outgoing) => {
        const context = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]
        await context?.fetch('/api/notes/inside')
        outgoing.end()
      },
    },
  })
  closing.push(upstream.close, () => relay.close(), app.close)
  const call = (path: string, chosen: string, headers: Record<string, string> = {}) =>
    app.ask(path, { headers: { cookie: `${SIGNED_IN}; porchlight-language=${chosen}`, ...headers } })
  for (const chosen of ['zh-CN', 'en', 'tlh', '%']) await call('/api/notes/x', chosen, { 'accept-language': 'zh' })
  await call('/page', 'zh-CN')
  await call('/api/plain/x', 'zh-CN')
  const socket = new WebSocket(`ws://127.0.0.1:${app.port}/api/notes/live`, {
    headers: { host: 'porch.example', cookie: `${SIGNED_IN}; porchlight-language=zh-CN`, origin: PUBLIC_URL },
  })
  await once(socket, 'unexpected-response')
  const known = ['zh-CN', 'en', null, null, 'zh-CN', null, 'zh-CN']
  expect(seen).toEqual(known.map(language => `Bearer for.${language}`))
})

describe('live connections', () => {
  const open = (port: number, path: string, headers: Record<string, string> = {}) =>
    new WebSocket(`ws://127.0.0.1:${port}${path}`, {
      headers: { host: 'porch.example', cookie: SIGNED_IN, origin: PUBLIC_URL, ...headers },
    })

  test('a WebSocket is joined to the upstream, with the token and without our cookies', async () => {
    const { port, seen } = await start()
    const socket = open(port, '/api/notes/live?x=1')
    await once(socket, 'open')
    for (const size of [1, 125, 126, 70_000]) {
      socket.send('x'.repeat(size))
      expect(String((await once(socket, 'message'))[0])).toHaveLength(size)
    }
    expect(seen[0]).toMatchObject({ url: '/live?x=1', headers: { authorization: `Bearer kept.notes.${ADA.id}` } })
    expect(seen[0]?.headers.cookie).toBeUndefined()
    socket.terminate()
  })

  test('a WebSocket whose token the upstream refuses is dialled once more with a fresh one, and no more than once', async () => {
    const { port, seen } = await start()
    const socket = open(port, '/api/notes/stale')
    await once(socket, 'open')
    expect(seen.map(one => one.headers.authorization)).toEqual([
      `Bearer kept.notes.${ADA.id}`,
      `Bearer fresh.notes.${ADA.id}`,
    ])
    socket.terminate()
    const [, response] = (await once(open(port, '/api/notes/never'), 'unexpected-response')) as [
      unknown,
      IncomingMessage,
    ]
    expect([response.statusCode, seen.length]).toEqual([502, 4])
    response.resume()
  })

  test.each([
    ['CS-13 ASVS 4.4.2 from another origin', '/api/notes/live', { origin: 'http://evil.example' }, 403],
    [
      'from a sibling host',
      '/api/notes/live',
      { origin: 'http://x.porch.example', 'sec-fetch-site': 'same-site' },
      403,
    ],
    ['without a session', '/api/notes/live', { cookie: '' }, 401],
    ['to a path of ours', '/auth/session', {}, 404],
    ['to no upstream', '/api/none', {}, 404],
    ['under another Host', '/api/notes/live', { host: 'evil.example' }, 421],
    ['that the upstream refuses', '/api/notes/refused', {}, 502],
  ])('an upgrade %s is refused', async (_name, path, headers, status) => {
    const { port } = await start()
    const socket = open(port, path, headers as unknown as Record<string, string>)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    expect(response.statusCode).toBe(status)
    expect(response.headers['x-content-type-options']).toBe('nosniff')
    expect((await response.toArray()).join('')).not.toContain('secret')
  })

  test('4401 the end of the session closes its WebSocket and its event stream within a second', async () => {
    const { port, streams } = await start()
    const socket = open(port, '/api/notes/live')
    await once(socket, 'open')
    const feed = request({
      port,
      path: '/api/notes/feed',
      agent: false,
      headers: { host: 'porch.example', cookie: SIGNED_IN },
    }).end()
    const [events] = (await once(feed, 'response')) as [IncomingMessage]
    await once(events, 'data')
    expect(streams.count()).toBe(2)
    const started = performance.now()
    const over = Promise.all([once(socket, 'close'), once(events, 'end')])
    streams.ended(SESSION.publicId, 'signed_out_elsewhere')
    const [[code, reason]] = await over
    expect([code, String(reason)]).toEqual([4401, 'signed_out_elsewhere'])
    expect(performance.now() - started).toBeLessThan(1000)
    expect(streams.count()).toBe(0)
  })

  test("1008 a disabled account's; and in the middle of a large message the close waits for its end or cuts", async () => {
    const { port, streams } = await start()
    const socket = open(port, '/api/notes/live')
    await once(socket, 'open')
    socket.send('x'.repeat(5_000_000))
    await once(socket, 'message')
    socket.send('x'.repeat(5_000_000))
    streams.ended(SESSION.publicId, 'disabled')
    const [code] = await once(socket, 'close')
    expect([1008, 1006]).toContain(code)
  })

  test("a client that leaves closes the upstream's end, too", async () => {
    const { port, streams } = await start()
    const socket = open(port, '/api/notes/live')
    await once(socket, 'open')
    socket.terminate()
    await expect.poll(() => streams.count(), { timeout: 2000 }).toBe(0)
  })
})

test(
  'a refused upgrade whose client never leaves is cut, and does not hold up the end of the server',
  { timeout: 20_000 },
  async () => {
    const { port, server } = await start()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    socket.write('GET /nope HTTP/1.1\r\nHost: porch.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    await once(socket, 'data')
    expect(await drain([server], 200)).toBe(false)
    socket.destroy()
  },
)

test('whoever holds back a body under /auth is judged by what is true when it has arrived', async () => {
  const { port, sessions } = await start()
  const sent = request({
    port,
    path: '/auth/echo',
    method: 'POST',
    agent: false,
    headers: { host: 'porch.example', cookie: SIGNED_IN, 'content-length': 4, ...fromHere },
  })
  sent.flushHeaders()
  sent.write('bo')
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(sessions.asked).toEqual([])
  sent.end('dy')
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  expect([(await response.toArray()).join(''), sessions.asked.length]).toEqual(['{"got":"body"}', 1])
})
