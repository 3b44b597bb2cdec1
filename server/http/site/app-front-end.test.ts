import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { type AppDeps, PUBLIC_URL, type Running, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { OWN_SITE, toSite } from '../../config/site-settings.ts'
import { SITE_CONTEXT, type SiteContext } from '../../contract/site-context.ts'
import { testRelay, testUpstream } from '../../relay/relay.testing.ts'
import { type AppFrontEnd, openApp } from './front-end.ts'

// An application that renders in this process, in our pages' place, on real sockets.

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const NAVIGATE = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
const SAME_ORIGIN = { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }
const SHARED = 'c2hhcmVkLW5vbmNlLWhlcmU='

const own: AppDeps['site'] = {
  built: { root: '/nowhere', files: [] },
  development: null,
  listener: async () => (_incoming, outgoing) =>
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end('our page'),
}

const contextOf = (incoming: IncomingMessage) =>
  (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext

/** Says who has called it, and how. */
const answering: Awaited<ReturnType<AppFrontEnd['listener']>> = (incoming, outgoing) => {
  const { session, nonce } = contextOf(incoming)
  if (incoming.url === '/feed.xml')
    return outgoing.writeHead(200, { 'content-type': 'application/xml', 'cache-control': 'public' }).end('<feed/>')
  outgoing.setHeader('content-type', 'text/html; charset=utf-8')
  outgoing.setHeader('cache-control', 'public')
  return outgoing.end(`${incoming.method} ${incoming.url} ${session.user?.name ?? 'nobody'} ${nonce} ${SHARED}`)
}

async function start(changes: Partial<AppFrontEnd> = {}): Promise<Running> {
  const app: AppFrontEnd = {
    listener: async () => answering,
    publicFolder: null,
    sharedNonce: SHARED,
    upgrade: null,
    development: null,
    ...changes,
  }
  const relay = testRelay([testUpstream('http://127.0.0.1:9')])
  const frontEnd = await openApp(app, OWN_SITE, systemClock, createLog('silent'))
  const running = await startApp({ relay, site: own, frontEnd })
  closing.push(() => relay.close(), running.close)
  return running
}

test('what is reserved stays ours, and an upstream’s stays its own; everything else is the application’s', async () => {
  const { ask } = await start()
  for (const path of ['/sign-in', '/%73ign-in', '/account/sessions', '/people'])
    expect([path, (await ask(path, { headers: NAVIGATE })).body]).toEqual([path, 'our page'])
  expect((await ask('/auth/session')).json()).toMatchObject({ user: null })
  expect((await ask('/auth/nowhere')).status).toBe(404)
  expect((await ask('/api/notes/1')).status, 'an upstream for signed-in people').toBe(401)
  for (const path of ['/', '/accounts', '/api', '/api/nowhere', '/__nuxt_island/x', '/robots.txt'])
    expect([path, (await ask(path)).body]).toEqual([path, expect.stringMatching(`^GET ${path} nobody `)])
  for (const path of ['/__nuxt_error', '/__nuxt_error?statusCode=500', '/_porchlight/x.js'])
    expect([path, (await ask(path)).status]).toEqual([path, 404])
})

test('it knows the caller, and takes any method from its own pages alone (CSRF)', async () => {
  const { ask } = await start()
  const posted = await ask('/api/x', { method: 'POST', headers: { ...SAME_ORIGIN, cookie: SIGNED_IN }, body: 'x' })
  expect([posted.status, posted.body]).toEqual([200, expect.stringMatching('^POST /api/x Ada ')])
  expect((await ask('/x', { method: 'PUT', headers: SAME_ORIGIN, body: 'x' })).status).toBe(200)
  for (const headers of [{}, { origin: 'https://elsewhere.example' }, { 'sec-fetch-site': 'same-site' }])
    expect((await ask('/api/x', { method: 'POST', headers })).status).toBe(403)
  expect((await ask('/sign-in', { method: 'PUT', headers: SAME_ORIGIN })).status, 'a page of ours').toBe(405)
  const tooLarge = { ...SAME_ORIGIN, 'content-length': String(11 * 1024 * 1024) }
  expect((await ask('/api/x', { method: 'POST', headers: tooLarge })).status).toBe(413)
})

test('each page has a nonce of its own, kept ones too, and is stored by nobody; other answers cache as they say', async () => {
  const { ask } = await start()
  const [first, second] = [await ask('/', { headers: NAVIGATE }), await ask('/', { headers: NAVIGATE })]
  const [, , , nonce, shared] = first.body.split(' ')
  expect(first.headers['content-security-policy']).toContain(
    `script-src 'nonce-${nonce}' 'strict-dynamic' 'wasm-unsafe-eval';`,
  )
  expect([shared, second.body.includes(String(nonce)), first.body.includes(SHARED)]).toEqual([nonce, false, false])
  expect(first.headers['cache-control']).toBe('private, no-store')
  expect((await ask('/feed.xml')).headers['cache-control']).toBe('public')
})

test('built files come before anybody is asked who they are, prerendered pages with hashes of their scripts', async () => {
  const root = mkdtempSync(join(tmpdir(), 'porchlight-app-'))
  closing.push(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'about'))
  mkdirSync(join(root, 'sign-in'))
  writeFileSync(join(root, 'hello.txt'), 'hello')
  writeFileSync(join(root, 'about/index.html'), '<script>one()</script>')
  writeFileSync(join(root, 'sign-in/index.html'), 'a fake of our page')
  const { ask, sessions } = await start({ publicFolder: root })
  expect((await ask('/hello.txt', { headers: { cookie: SIGNED_IN } })).body).toBe('hello')
  expect(sessions.asked).toEqual([])
  const about = await ask('/about', { headers: NAVIGATE })
  expect(about.body).toBe('<script>one()</script>')
  expect(about.headers['content-security-policy']).toMatch(/script-src 'self' 'sha256-/)
  expect((await ask('/sign-in', { headers: NAVIGATE })).body).toBe('our page')
  expect((await ask('/missing', { headers: NAVIGATE })).body).toMatch('GET /missing nobody')
})

test('its WebSockets pass the same-origin rule first (CS-13)', async () => {
  const sockets = new WebSocketServer({ noServer: true })
  const { port } = await start({
    upgrade: (incoming, socket, head) =>
      sockets.handleUpgrade(incoming, socket, head, live => live.send('from the application')),
  })
  const open = (origin: string) =>
    new WebSocket(`ws://127.0.0.1:${port}/live`, { origin, headers: { host: new URL(PUBLIC_URL).host } })
  const [heard] = (await once(open(PUBLIC_URL), 'message')) as [Buffer]
  expect(String(heard)).toBe('from the application')
  const [, refused] = (await once(open('https://elsewhere.example'), 'unexpected-response')) as [
    unknown,
    IncomingMessage,
  ]
  expect(refused.statusCode).toBe(403)
  for (const client of sockets.clients) client.terminate()
})

test('ASVS 4.1.3 its WebSockets carry neither our cookies nor what only a proxy may say, as its requests', async () => {
  const sockets = new WebSocketServer({ noServer: true })
  const { port } = await start({
    upgrade: (incoming, socket, head) =>
      sockets.handleUpgrade(incoming, socket, head, live =>
        live.send(JSON.stringify([incoming.headers, incoming.rawHeaders])),
      ),
  })
  const cookie = `${SIGNED_IN}; theme=dark`
  const client = new WebSocket(`ws://127.0.0.1:${port}/live`, {
    origin: PUBLIC_URL,
    headers: { host: new URL(PUBLIC_URL).host, cookie, authorization: 'Bearer x', 'x-forwarded-user': 'root' },
  })
  const [heard] = (await once(client, 'message')) as [Buffer]
  const [headers] = JSON.parse(String(heard)) as [Record<string, string>]
  expect(headers).toMatchObject({ cookie: 'theme=dark', origin: PUBLIC_URL })
  expect(String(heard)).not.toMatch(/porchlight-access|Bearer|root/)
  for (const each of sockets.clients) each.terminate()
})

test('a setting that names another front end is refused', async () => {
  const site = toSite({ upstream: 'http://127.0.0.1:5173' }, '/', PUBLIC_URL, 0)
  const app = {
    listener: async () => answering,
    publicFolder: null,
    sharedNonce: null,
    upgrade: null,
    development: null,
  }
  await expect(openApp(app, site, systemClock, createLog('silent'))).rejects.toThrow('names a front end')
})
