import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import {
  type AppDeps,
  CONFIG,
  PUBLIC_URL,
  type Running,
  SESSION,
  SIGNED_IN,
  startApp,
} from '../../../tests/support/app.ts'
import { HOUR, systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { OWN_SITE, type Site, type SiteSetting, toSite } from '../../config/site-settings.ts'
import { policyOf } from '../response/page-policy.ts'
import { NO_INLINE } from './inline-cache.ts'
import { openFrontEnd, RENDERED_POLICY, STATIC_POLICY } from './front-end.ts'
import { testUpstream, listen, testRelay, testStreams } from '../../relay/relay.testing.ts'

// An existing front end in our pages' place, through everything that a request passes, on real sockets.

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const NAVIGATE = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
const HASHED = '/assets/index-Bq3x0v9K.js'
/** Of files without inline scripts. */
const PLAIN_POLICY = policyOf(STATIC_POLICY, null)(NO_INLINE)
const SCRIPT = 'console.log("hello")'.repeat(100)
const RESERVED = [
  '/set-up',
  '/sign-in',
  '/sign-up',
  '/signed-out',
  '/forgot',
  '/reset',
  '/account',
  '/account/sessions',
  '/people',
  '/proof',
  '/%73ign-in',
]

/** Our own pages answer with this word, so that one sees who has answered. */
const own: AppDeps['site'] = {
  built: { root: '/nowhere', files: [] },
  development: null,
  listener: async () => (_incoming, outgoing) =>
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end('our page'),
}

async function start(site: Site, changes: Partial<AppDeps> = {}): Promise<Running> {
  const relay = testRelay([testUpstream('http://127.0.0.1:9')])
  const running = await startApp({
    relay,
    site: own,
    frontEnd: await openFrontEnd(site, systemClock, createLog('silent')),
    ...changes,
  })
  closing.push(() => relay.close(), running.close)
  return running
}

describe('a folder of built files', () => {
  function build(): string {
    const root = mkdtempSync(join(tmpdir(), 'porchlight-front-'))
    closing.push(() => rmSync(root, { recursive: true, force: true }))
    const dist = join(root, 'dist')
    const write = (path: string, content: string | Buffer) => {
      mkdirSync(join(dist, path, '..'), { recursive: true })
      writeFileSync(join(dist, path), content)
    }
    write('index.html', '<!doctype html><title>shop</title>')
    write('about.html', '<!doctype html><title>about</title>')
    write('admin/index.html', '<!doctype html><title>admin</title>')
    write(HASHED, SCRIPT)
    write(`${HASHED}.br`, brotliCompressSync(SCRIPT))
    write(`${HASHED}.map`, '{"sources":["secret.ts"]}')
    write('assets/holiday-pictures.webp', 'picture')
    write('sign-in/index.html', 'a fake of our page')
    write('auth/session', 'a fake of our session')
    write('_porchlight/client.js', 'a fake of our script')
    write('.env', 'SECRET=1')
    write('.vite/manifest.json', '{}')
    write('a file.txt', 'spaced')
    writeFileSync(join(root, 'outside.txt'), 'outside')
    symlinkSync('../outside.txt', join(dist, 'link.txt'))
    symlinkSync('..', join(dist, 'up'))
    return dist
  }
  const files = (folder = build(), more: object = {}): Promise<Running> =>
    start({ kind: 'static', folder, sourceMaps: false, policy: null, headers: [], ...more })

  test('files come with their types, validators, a policy, and names by hash are kept for good', async () => {
    const { ask, sessions } = await files()
    const script = await ask(HASHED, { headers: { cookie: 'porchlight-access=due' } })
    expect([script.status, script.body, script.headers['content-type'], script.headers['cache-control']]).toEqual([
      200,
      SCRIPT,
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ])
    expect(script.headers).toMatchObject({
      'content-security-policy': PLAIN_POLICY,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      vary: 'Accept-Encoding',
    })
    expect(script.headers['set-cookie']).toBeUndefined()
    expect(sessions.asked).toEqual([])
    const picture = await ask('/assets/holiday-pictures.webp')
    expect([picture.headers['content-type'], picture.headers['cache-control']]).toEqual(['image/webp', 'no-cache'])
    expect((await ask('/a%20file.txt')).body).toBe('spaced')

    for (const condition of [
      { 'if-none-match': `W/${String(script.headers.etag)}` },
      { 'if-modified-since': String(script.headers['last-modified']) },
    ]) {
      const again = await ask(HASHED, { headers: condition })
      expect([again.status, again.body]).toEqual([304, ''])
      expect(again.headers).toMatchObject({
        etag: script.headers.etag,
        'cache-control': script.headers['cache-control'],
      })
      expect(again.headers).not.toHaveProperty('content-type')
    }
    expect(
      (
        await ask(HASHED, {
          headers: { 'if-none-match': '"other"', 'if-modified-since': String(script.headers['last-modified']) },
        })
      ).status,
    ).toBe(200)
  })

  test('a compressed copy is sent to those who take it, under a validator of its own', async () => {
    const { ask } = await files()
    const plain = await ask(HASHED)
    const packed = await ask(HASHED, { headers: { 'accept-encoding': 'gzip, br' } })
    expect(packed.headers).toMatchObject({ 'content-encoding': 'br', 'content-type': 'text/javascript; charset=utf-8' })
    expect(packed.headers.etag).not.toBe(plain.headers.etag)
    expect((await ask(HASHED, { headers: { 'accept-encoding': 'br;q=0' } })).headers).not.toHaveProperty(
      'content-encoding',
    )
    expect((await ask(`${HASHED}.br`)).status).toBe(404)
  })

  test('HEAD says what GET would; a part is sent where one is asked for; a large file is not held', async () => {
    const folder = build()
    writeFileSync(join(folder, 'film.mp4'), 'begin')
    truncateSync(join(folder, 'film.mp4'), 3_000_000)
    const { ask } = await files(folder)
    const whole = await ask('/film.mp4')
    expect([whole.status, whole.body.length, whole.headers['content-length'], whole.headers['accept-ranges']]).toEqual([
      200,
      3_000_000,
      '3000000',
      'bytes',
    ])
    const head = await ask('/film.mp4', { method: 'HEAD' })
    expect([head.body, head.headers['content-length'], head.headers.etag]).toEqual(['', '3000000', whole.headers.etag])
    const part = (range: string, more = {}) => ask('/film.mp4', { headers: { range, ...more } })
    expect(await part('bytes=1-3')).toMatchObject({
      status: 206,
      body: 'egi',
      headers: { 'content-range': 'bytes 1-3/3000000' },
    })
    expect((await part('bytes=-2')).headers['content-range']).toBe('bytes 2999998-2999999/3000000')
    expect(await part('bytes=3000000-')).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */3000000' } })
    expect((await part('bytes=0-1', { 'if-range': '"older"' })).status).toBe(200)
    expect((await part('bytes=0-1', { 'if-range': String(whole.headers.etag) })).status).toBe(206)
    expect((await part('bytes=0-0,5-6')).status).toBe(200)
  })

  test("/ and every unknown path are the application's for people who navigate, and renew the session as our pages do", async () => {
    const { ask } = await files()
    for (const path of ['/', '/orders/7', '/orders/', '/v1.2', '/accounting', '/apiary', '/about/us']) {
      const page = await ask(path, { headers: NAVIGATE })
      expect([path, page.status, page.body, page.headers['cache-control']]).toEqual([
        path,
        200,
        '<!doctype html><title>shop</title>',
        'no-cache',
      ])
      expect(page.headers['content-security-policy']).toBe(PLAIN_POLICY)
    }
    expect((await ask('/about', { headers: NAVIGATE })).body).toContain('about')
    expect((await ask('/admin/', { headers: NAVIGATE })).body).toContain('admin')
    const due = await ask('/orders', { headers: { ...NAVIGATE, cookie: 'porchlight-access=due' } })
    expect(due.headers['set-cookie']).toHaveLength(2)
    expect(due.headers['cache-control']).toBe('private, no-store')
  })

  test("ASVS 14.2.5 a missing file is 404 and never a page, and neither is a script's question", async () => {
    const { ask } = await files()
    for (const path of [
      '/assets/gone-Bq3x0v9K.js',
      '/profile/x.css',
      '/profile%2fx.css',
      '/profile/%78.css',
      '/x.html',
      '/account/x.css%20',
    ]) {
      const answer = await ask(path, { headers: NAVIGATE })
      if (path.startsWith('/account')) expect(answer.body).toBe('our page')
      else expect([path, answer.status, answer.headers['cache-control']]).toEqual([path, 404, 'private, no-store'])
    }
    const script = await ask('/orders', { headers: { accept: '*/*', 'sec-fetch-mode': 'cors' } })
    expect([script.status, script.headers['content-type']]).toEqual([404, 'application/problem+json'])
    expect((await ask('/orders', { method: 'POST', headers: { origin: PUBLIC_URL } })).status).toBe(405)
  })

  test('BBA-13 ASVS 13.4 what is hidden, linked or outside is not served', async () => {
    const { ask, raw } = await files()
    for (const path of [
      '/.env',
      '/%2eenv',
      '/.vite/manifest.json',
      '/link.txt',
      '/up/outside.txt',
      '/up/dist/index.js',
      `${HASHED}.map`,
      '/index.html%00.txt',
      '/%2f%2fetc/passwd.txt',
      '/assets%5c..%5c.env',
    ]) {
      const answer = await ask(path, { headers: NAVIGATE })
      expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true])
      expect(answer.body).not.toMatch(/SECRET|outside|sources/)
    }
    for (const target of [
      '/../outside.txt',
      '/%2e%2e/outside.txt',
      '/%252e%252e/outside.txt',
      '/assets/..%2f..%2foutside.txt',
      '//outside.txt',
      '/\\outside.txt',
      'http://x/outside.txt',
    ]) {
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: porch.example\r\nConnection: close\r\n\r\n`)
      expect([target, answer.slice(9, 12)]).toEqual([target, '400'])
    }
  })

  test('our addresses stay ours, whatever lies in the folder', async () => {
    const { ask } = await files()
    for (const path of RESERVED)
      expect([path, (await ask(path, { headers: NAVIGATE })).body]).toEqual([path, 'our page'])
    expect((await ask('/auth/session')).json()).toHaveProperty('user')
    expect((await ask('/_porchlight/client.js')).body).toBe('export {}')
    expect((await ask('/_porchlight/other.js')).status).toBe(404)
    expect((await ask('/.well-known/security.txt', { headers: NAVIGATE })).status).toBe(404)
    expect((await ask('/api/none', { headers: NAVIGATE })).status).toBe(404)
    expect((await ask('/healthz')).body).toBe('ok\n')
  })

  test("without the demo, /proof is the front end's", async () => {
    const { ask } = await start(
      { kind: 'static', folder: build(), sourceMaps: false, policy: null, headers: [] },
      { config: { ...CONFIG, demo: false } },
    )
    expect((await ask('/proof', { headers: NAVIGATE })).body).toContain('shop')
    expect((await ask('/sign-in', { headers: NAVIGATE })).body).toBe('our page')
  })

  test('a new build is served without a restart, and what it took away is gone', async () => {
    const folder = build()
    const { ask } = await files(folder)
    expect((await ask(HASHED)).status).toBe(200)
    rmSync(join(folder, HASHED))
    writeFileSync(join(folder, '/assets/index-Cr4y1w0L.js'), 'new')
    writeFileSync(join(folder, 'index.html.new'), '<!doctype html><title>shop, new</title>')
    renameSync(join(folder, 'index.html.new'), join(folder, 'index.html'))
    expect((await ask('/', { headers: NAVIGATE })).body).toContain('new')
    await expect
      .poll(async () => (await ask('/assets/index-Cr4y1w0L.js')).body, { timeout: 5000, interval: 200 })
      .toBe('new')
    expect((await ask(HASHED)).status).toBe(404)
  })

  test('inline scripts of a page, and they alone, go into its policy, for a compressed copy and 304 as well', async () => {
    const folder = build()
    const inline = (code: string) => `<script>${code}</script><img onerror="${code}"><style>${code}</style>`
    const hash = (code: string) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`
    writeFileSync(join(folder, 'index.html'), inline('one()'))
    writeFileSync(join(folder, 'about.html'), inline('two()'))
    writeFileSync(join(folder, 'about.html.br'), brotliCompressSync(inline('packed()')))
    writeFileSync(join(folder, 'admin/index.html.gz'), 'damaged')
    const { ask } = await files(folder)
    const policyAt = async (path: string, headers = {}) =>
      (await ask(path, { headers: { ...NAVIGATE, ...headers } })).headers['content-security-policy']
    const policyWith = (code: string) =>
      STATIC_POLICY.replace('{scripts}', hash(code)) + `; script-src-attr 'unsafe-hashes' ${hash(code)}`

    const first = await ask('/', { headers: NAVIGATE })
    expect(first.headers['content-security-policy']).toBe(policyWith('one()'))
    const again = await ask('/any', { headers: { ...NAVIGATE, 'if-none-match': String(first.headers.etag) } })
    expect([again.status, again.headers['content-security-policy']]).toEqual([304, policyWith('one()')])
    expect(await policyAt('/about')).toBe(policyWith('two()'))
    expect(await policyAt('/about', { 'accept-encoding': 'br' })).toBe(policyWith('packed()'))
    expect(await policyAt('/admin', { 'accept-encoding': 'gzip' }), 'what cannot be read').toBe(PLAIN_POLICY)
    expect(await policyAt(HASHED)).toBe(PLAIN_POLICY)
    writeFileSync(join(folder, 'index.html'), inline('three()'))
    expect(await policyAt('/'), 'a new build').toBe(policyWith('three()'))

    const own = await start(
      toSite({ static: folder, policy: "script-src 'self' {scripts}; style-src {styles}" }, '/', PUBLIC_URL, HOUR),
    )
    expect((await own.ask('/', { headers: NAVIGATE })).headers['content-security-policy']).toBe(
      `script-src 'self' ${hash('three()')}; style-src ${hash('three()')}; frame-ancestors 'none'; script-src-attr 'unsafe-hashes' ${hash('three()')}`,
    )
  })

  test('what stands in for a page that is not there: 200.html, 404.html as an error, or the index', async () => {
    const folder = build()
    const { ask } = await files(folder)
    const page = async (path: string, headers: object = NAVIGATE) => {
      const { status, body, headers: answered } = await ask(path, { headers: { ...headers } })
      return [status, body, answered['cache-control']]
    }
    writeFileSync(join(folder, '404.html'), 'there is nothing here')
    const renewed = await ask('/404.html', { headers: NAVIGATE })
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>shop, again</title>')
    await expect.poll(async () => (await page('/no/page'))[0], { timeout: 5000, interval: 200 }).toBe(404)
    const missing = [404, 'there is nothing here', 'private, no-store']
    expect(await page('/no/page')).toEqual(missing)
    expect(await page('/no/page.html')).toEqual(missing)
    expect(await page('/no/page', { ...NAVIGATE, 'if-none-match': String(renewed.headers.etag) })).toEqual(missing)
    expect(await page('/no/page', { ...NAVIGATE, range: 'bytes=0-1' })).toEqual(missing)
    expect((await page('/no/page', { accept: '*/*' }))[1], 'a script').toContain('not_found')
    expect((await page('/about'))[0]).toBe(200)

    writeFileSync(join(folder, '200.html'), 'an application')
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>shop, at last</title>')
    await expect
      .poll(async () => await page('/no/page'), { timeout: 5000, interval: 200 })
      .toEqual([200, 'an application', 'no-cache'])
    expect(await page('/no/page.html')).toEqual(missing)
  })

  test.each([
    ['/assets/index-Bq3x0v9K.js', true],
    ['/docs/assets/index-Bq3x0v9K.js', true],
    ['/_nuxt/Bq3x0v9K.js', true],
    ['/_nuxt/entry.Bq3x0v9K.css', true],
    ['/_astro/hoisted.Bq3x0v9K.js', true],
    ['/_app/immutable/entry/start.js', true],
    ['/_next/static/chunks/main.js', true],
    ['/_nuxt/builds/latest.json', false],
    ['/_app/version.json', false],
    ['/_astro/pictures.webp', false],
    ['/my_nuxt/Bq3x0v9K.js', false],
    ['/__nuxt_content/docs/sql_dump.txt', false],
  ])('%s is kept for good by browsers: %s', async (path, forGood) => {
    const folder = build()
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), 'x')
    const answered = await (await files(folder)).ask(path)
    expect([answered.status, answered.headers['cache-control']]).toEqual([
      200,
      forGood ? 'public, max-age=31536000, immutable' : 'no-cache',
    ])
  })

  test("source maps where they are asked for; a policy of one's own; a folder without an index is refused", async () => {
    const { ask } = await files(build(), { sourceMaps: true, policy: "default-src 'self' https://maps.example" })
    expect((await ask(`${HASHED}.map`)).body).toContain('secret.ts')
    expect((await ask('/', { headers: NAVIGATE })).headers['content-security-policy']).toBe(
      "default-src 'self' https://maps.example; frame-ancestors 'none'",
    )
    await expect(files('/nowhere/dist')).rejects.toThrow('no index.html: /nowhere/dist')
  })
})

describe('a front end behind us', () => {
  async function behind(changes: Partial<SiteSetting> = {}, deps: Partial<AppDeps> = {}) {
    const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = []
    const sockets = new WebSocketServer({ noServer: true })
    const front = await listen((incoming, outgoing) => {
      seen.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers })
      switch (incoming.url) {
        case '/old':
          return outgoing.writeHead(302, { location: `http://${incoming.headers.host}/new?a=b` }).end()
        case '/public':
          return outgoing.writeHead(302, { location: `${PUBLIC_URL}/x` }).end()
        case '/away':
          return outgoing.writeHead(302, { location: 'http://evil.example/' }).end()
        case '/assets/a.js':
          return outgoing
            .writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=31536000,immutable' })
            .end('1')
        case '/strict':
          return outgoing
            .writeHead(200, { 'content-type': 'text/html', 'content-security-policy': "script-src 'none'" })
            .end()
        case '/framed':
          return outgoing
            .writeHead(200, {
              'content-type': 'text/html',
              'content-security-policy': 'frame-ancestors https://a.example',
            })
            .end()
        default:
          return outgoing
            .writeHead(200, {
              'content-type': 'text/html',
              'set-cookie': ['theme=dark; Path=/', 'porchlight-access=stolen; Path=/'],
              'strict-transport-security': 'max-age=9',
            })
            .end(`front ${incoming.url}`)
      }
    })
    front.server.on('upgrade', (incoming, socket, head) => {
      seen.push({ method: 'UPGRADE', url: incoming.url ?? '', headers: incoming.headers })
      sockets.handleUpgrade(incoming, socket, head, client => client.send('hello'))
    })
    const running = await start(toSite({ upstream: front.origin, ...changes }, '/', PUBLIC_URL, HOUR), deps)
    closing.push(front.close)
    return { ...running, seen, origin: front.origin }
  }

  test('it gets every path that is not ours, with its own host, our public address, other cookies than ours and no token', async () => {
    const { ask, seen, origin } = await behind()
    for (const path of [
      '/',
      '/orders/7?x=1',
      '/@vite/client',
      '/node_modules/.vite/deps/vue.js?v=1',
      '/@fs/a%20b//c;d',
      '/apiary',
      '/notes',
    ]) {
      expect(
        (
          await ask(path, {
            headers: {
              ...NAVIGATE,
              cookie: `${SIGNED_IN}; theme=light`,
              authorization: 'Bearer x',
              'x-forwarded-host': 'evil.example',
            },
          })
        ).body,
      ).toBe(`front ${path}`)
    }
    expect(seen[0]?.headers).toMatchObject({
      host: new URL(origin).host,
      'x-forwarded-host': 'site.test',
      cookie: 'theme=light',
    })
    expect(seen[0]?.headers).not.toHaveProperty('authorization')
  })

  test('our addresses never reach it', async () => {
    const { ask, seen } = await behind()
    for (const path of RESERVED)
      expect([path, (await ask(path, { headers: NAVIGATE })).body]).toEqual([path, 'our page'])
    for (const path of ['/auth/nothing', '/api/none', '/_porchlight/none.js', '/.well-known/none'])
      expect([path, (await ask(path)).status]).toEqual([path, 404])
    expect((await ask('/auth/session')).json()).toHaveProperty('user')
    expect(seen).toEqual([])
  })

  test('a visit renews the session; its cookies pass, ours cannot be set by it', async () => {
    const { ask } = await behind()
    const page = await ask('/', { headers: { ...NAVIGATE, cookie: 'porchlight-access=due' } })
    expect([...(page.headers['set-cookie'] ?? [])].sort()).toEqual([
      'porchlight-access=new-access; Path=/',
      'porchlight-refresh=new-refresh; Path=/',
      'theme=dark; Path=/',
    ])
    expect(page.headers['cache-control']).toBe('private, no-store')
    expect(page.headers).not.toHaveProperty('strict-transport-security')
    expect((await ask('/assets/a.js', { headers: { cookie: SIGNED_IN } })).headers['cache-control']).toBe(
      'max-age=31536000,immutable',
    )
  })

  test('redirects come back under the public address, and lead nowhere else', async () => {
    const { ask } = await behind()
    expect((await ask('/old', { headers: NAVIGATE })).headers.location).toBe('/new?a=b')
    expect((await ask('/public', { headers: NAVIGATE })).headers.location).toBe(`${PUBLIC_URL}/x`)
    expect((await ask('/away', { headers: NAVIGATE })).headers).not.toHaveProperty('location')
  })

  test('CS-1 CS-13 unsafe methods and live connections pass from our own pages only', async () => {
    const { ask, seen, port } = await behind()
    const fromUs = { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }
    expect(
      (await ask('/save', { method: 'POST', headers: { ...fromUs, 'content-type': 'text/plain' }, body: 'x' })).status,
    ).toBe(200)
    expect(
      (
        await ask('/save', {
          method: 'POST',
          headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
          body: 'x',
        })
      ).status,
    ).toBe(403)
    expect((await ask('/save', { method: 'TRACE', headers: fromUs })).status).toBe(405)
    const open = (origin: string) =>
      new WebSocket(`ws://127.0.0.1:${port}/?token=t`, 'vite-hmr', {
        headers: { host: 'porch.example', cookie: SIGNED_IN, origin },
      })
    const socket = open(PUBLIC_URL)
    expect(String((await once(socket, 'message'))[0])).toBe('hello')
    socket.terminate()
    const [, refused] = (await once(open('http://evil.example'), 'unexpected-response')) as [unknown, IncomingMessage]
    expect(refused.resume().statusCode).toBe(403)
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /save', 'UPGRADE /?token=t'])
    expect(seen[1]?.headers).toMatchObject({ 'sec-websocket-protocol': 'vite-hmr' })
    expect(seen[1]?.headers.cookie).toBeUndefined()
  })

  test('the policy: its own, closed to frames where it says nothing of them; else ours; the setting before both', async () => {
    const { ask } = await behind()
    const policyOf = async (path: string) => (await ask(path, { headers: NAVIGATE })).headers['content-security-policy']
    expect(await policyOf('/')).toBe(RENDERED_POLICY)
    expect(await policyOf('/strict')).toBe("script-src 'none'; frame-ancestors 'none'")
    expect(await policyOf('/framed')).toBe('frame-ancestors https://a.example')
    const added = await behind({ policy: { 'img-src': ['https://tiles.example'] } })
    const addedPolicyOf = async (path: string) =>
      (await added.ask(path, { headers: NAVIGATE })).headers['content-security-policy']
    expect(await addedPolicyOf('/')).toBe(
      RENDERED_POLICY.replace("img-src 'self' data:", "img-src 'self' data: https://tiles.example"),
    )
    expect(await addedPolicyOf('/strict'), 'it restricts no pictures').toBe("script-src 'none'; frame-ancestors 'none'")
    const set = await behind({ policy: "default-src 'self'" })
    expect((await set.ask('/strict', { headers: NAVIGATE })).headers['content-security-policy']).toBe(
      "default-src 'self'; frame-ancestors 'none'",
    )
  })

  describe('with a token of its own', () => {
    const identified = (more: Partial<SiteSetting> = {}) => behind({ token: 'porchlight', ...more })

    test('every request of somebody signed in carries it, an anonymous one none, and none passes from outside', async () => {
      const { ask, seen } = await identified()
      const headers = { ...NAVIGATE, cookie: `${SIGNED_IN}; theme=light`, authorization: 'Bearer forged' }
      for (const path of ['/', '/assets/a.js']) {
        const answered = await ask(path, { headers })
        expect(seen.pop()?.headers).toMatchObject({ authorization: 'Bearer kept.front end.u1', cookie: 'theme=light' })
        expect(answered.headers['cache-control']).toMatch(/^private/)
      }
      expect((await ask('/', { headers: { ...headers, cookie: 'theme=light' } })).status).toBe(200)
      expect(seen.pop()?.headers).not.toHaveProperty('authorization')
      const renewed = await ask('/', { headers: { ...NAVIGATE, cookie: 'porchlight-access=due' } })
      expect(renewed.headers['set-cookie']).toContain('porchlight-access=new-access; Path=/')
      expect(seen.pop()?.headers.authorization).toBe('Bearer kept.front end.u1')
    })

    test('a live connection carries it, too, and ends with the session', async () => {
      const streams = testStreams()
      const relay = testRelay([testUpstream('http://127.0.0.1:9')], undefined, streams)
      const { port, seen } = await behind({ token: 'porchlight' }, { relay })
      const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, {
        headers: { host: 'porch.example', cookie: SIGNED_IN, origin: PUBLIC_URL },
      })
      await once(socket, 'message')
      expect(seen.pop()?.headers.authorization).toBe('Bearer kept.front end.u1')
      const closed = once(socket, 'close')
      streams.ended(SESSION.publicId, 'signed_out')
      expect((await closed)[0]).toBe(4401)
    })

    test('ASVS 7.2.4 a session that was just replaced is nobody to it, and changes nothing there', async () => {
      const { ask, seen } = await identified()
      const headers = { cookie: 'porchlight-access=replaced' }
      expect((await ask('/', { headers: { ...NAVIGATE, ...headers } })).status).toBe(200)
      expect(seen.pop()?.headers).not.toHaveProperty('authorization')
      const write = await ask('/save', { method: 'POST', headers: { ...headers, origin: PUBLIC_URL }, body: 'x' })
      expect([write.status, write.json(), seen]).toMatchObject([401, { code: 'session_replaced' }, []])
    })

    test('it may be for some only: others are led to sign-in and back, whichever page they open', async () => {
      const { ask, seen } = await identified({ requires: { signedIn: true } })
      for (const [path, location] of [
        ['/', '/sign-in'],
        ['/orders/7?x=1', '/sign-in?returnTo=%2Forders%2F7%3Fx%3D1'],
      ] as const)
        expect(await ask(path, { headers: NAVIGATE })).toMatchObject({ status: 303, headers: { location } })
      const replaced = await ask('/', { headers: { ...NAVIGATE, cookie: 'porchlight-access=replaced' } })
      expect([replaced.status, replaced.headers.location]).toEqual([401, undefined])
      expect((await ask('/data', { headers: { accept: '*/*' } })).json()).toMatchObject({ code: 'not_signed_in' })
      const opened = await ask('/orders/7?view=all', { headers: NAVIGATE })
      expect([opened.status, opened.headers.location]).toEqual([303, '/sign-in?returnTo=%2Forders%2F7%3Fview%3Dall'])
      expect((await ask('/', { headers: NAVIGATE })).headers.location).toBe('/sign-in')
      expect((await ask('/', { headers: { cookie: SIGNED_IN } })).status).toBe(200)
      expect(seen.length).toBe(1)
      expect((await ask('/sign-in', { headers: NAVIGATE })).body, 'signing in stays open').toBe('our page')
      const forRoles = await behind({ requires: { roles: ['user'] } })
      expect((await forRoles.ask('/', { headers: { cookie: SIGNED_IN } })).status, 'an administrator only').toBe(403)
    })
  })

  test("with server routes, it answers the rest of /api behind the same-origin rule, and nothing that is an upstream's or ours", async () => {
    const { ask, seen } = await behind({ serverRoutes: true })
    const cookie = SIGNED_IN
    expect((await ask('/api/weather?in=Lund', { headers: { cookie } })).body).toBe('front /api/weather?in=Lund')
    expect(
      (await ask('/api/weather', { method: 'POST', headers: { cookie, origin: PUBLIC_URL }, body: 'x' })).body,
    ).toBe('front /api/weather')
    expect((await ask('/api', { headers: { cookie } })).body).toBe('front /api')
    seen.splice(0)
    for (const [path, status, options] of [
      ['/api/weather', 403, { method: 'POST', headers: { cookie, origin: 'https://evil.example' }, body: 'x' }],
      ['/api/notes/7', 502, {}],
      ['/api/a//b', 400, {}],
      ['/api/notes%2f7', 400, {}],
      ['/api/notes;x', 400, {}],
      ['/auth/weather', 404, {}],
      ['/.well-known/weather', 404, {}],
    ] as const)
      expect([path, (await ask(path, { headers: { cookie }, ...options })).status]).toEqual([path, status])
    expect((await ask('/%61pi/notes/7', { headers: NAVIGATE })).body).toBe('our page')
    expect(seen).toEqual([])
  })

  test.each([
    '/../x',
    '/%2e%2e/x',
    '/%252e%252e/x',
    '//evil.example/',
    '/\\evil.example',
    'http://evil.example/',
    '/a%zz',
    '/%2e%2e%2fx',
    '/a#b',
    '*',
  ])('BBA-13 %s does not reach it', async target => {
    const { raw, seen } = await behind()
    const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: porch.example\r\nConnection: close\r\n\r\n`)
    expect([answer.slice(9, 12), seen]).toEqual(['400', []])
  })

  test('while it is down, people get a page that says so and scripts a 502; signing in goes on', async () => {
    const { ask } = await start(toSite({ upstream: 'http://127.0.0.1:9' }, '/', PUBLIC_URL, HOUR))
    const page = await ask('/', { headers: NAVIGATE })
    expect([page.status, page.headers['content-type']]).toEqual([502, 'text/html; charset=utf-8'])
    expect((await ask('/data', { headers: { accept: '*/*' } })).json()).toMatchObject({ code: 'upstream_unreachable' })
    expect((await ask('/sign-in', { headers: NAVIGATE })).body).toBe('our page')
  })

  test("a client that leaves in the middle stops the front end's answer", async () => {
    const stopped = Promise.withResolvers<null>()
    const front = await listen((_incoming, outgoing) => {
      outgoing.write('x')
      outgoing.on('close', () => stopped.resolve(null))
    })
    const { port } = await start(toSite({ upstream: front.origin }, '/', PUBLIC_URL, HOUR))
    closing.push(front.close)
    const outgoing = request({ port, path: '/slow', agent: false, headers: { host: 'porch.example' } }).end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    await once(incoming, 'data')
    incoming.destroy()
    await stopped.promise
  })
})

describe('headers that the setting chooses', () => {
  const setting = {
    permissionsPolicy: 'geolocation=(self)',
    crossOriginOpenerPolicy: 'same-origin-allow-popups',
    crossOriginEmbedderPolicy: 'require-corp',
    referrerPolicy: 'no-referrer',
  } as const
  const chosen = {
    'permissions-policy': 'geolocation=(self)',
    'cross-origin-opener-policy': 'same-origin-allow-popups',
    'cross-origin-embedder-policy': 'require-corp',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
  const ours = {
    'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
  const headersOf = async ({ ask }: Running, path: string) =>
    Object.fromEntries(
      Object.entries((await ask(path, { headers: NAVIGATE })).headers).filter(([name]) => Object.hasOwn(chosen, name)),
    )

  test('are on the pages of a front end, instead of ours and its own, and not on what stays ours', async () => {
    const front = await listen((_incoming, outgoing) =>
      outgoing
        .writeHead(200, {
          'content-type': 'text/html',
          'referrer-policy': 'unsafe-url',
          'permissions-policy': 'camera=*',
          'cross-origin-embedder-policy': 'unsafe-none',
        })
        .end(),
    )
    closing.push(front.close)
    const running = await start(toSite({ upstream: front.origin, headers: setting }, '/', PUBLIC_URL, HOUR))
    expect(await headersOf(running, '/')).toEqual(chosen)
    for (const path of ['/sign-in', '/auth/session', '/api/none'])
      expect([path, await headersOf(running, path)]).toEqual([path, ours])
  })

  test('are on built files and pages; an empty value sends none', async () => {
    const root = mkdtempSync(join(tmpdir(), 'porchlight-front-'))
    closing.push(() => rmSync(root, { recursive: true, force: true }))
    writeFileSync(join(root, 'index.html'), '<!doctype html>')
    writeFileSync(join(root, 'worker.js'), '1')
    const headers = { ...setting, permissionsPolicy: '' }
    const running = await start(toSite({ static: root, headers }, '/', PUBLIC_URL, HOUR))
    const { 'permissions-policy': _, ...rest } = chosen
    for (const path of ['/', '/worker.js']) expect(await headersOf(running, path)).toEqual(rest)
    expect(await headersOf(running, '/sign-in')).toEqual(ours)
  })

  test('are on our own pages if these are the site, as is its policy', async () => {
    const policy = { 'img-src': ['https://tiles.example'] }
    const running = await start(toSite({ headers: setting, policy }, '/', PUBLIC_URL, HOUR))
    expect(await headersOf(running, '/')).toEqual(chosen)
    expect((await running.ask('/', { headers: NAVIGATE })).headers['content-security-policy']).toMatch(
      /script-src 'nonce-[^']+' 'strict-dynamic';.* img-src 'self' https:\/\/tiles\.example;.* frame-ancestors 'none'$/,
    )
    expect(await headersOf(running, '/auth/session')).toEqual(ours)
  })
})

describe("icons and manifests are the front end's where there is one, and ours are not served in their place", () => {
  const NAMES = ['/favicon.ico', '/favicon.svg', '/apple-touch-icon.png', '/manifest.webmanifest', '/robots.txt']
  const root = () => {
    const folder = mkdtempSync(join(tmpdir(), 'porchlight-icons-'))
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }
  function ownWithIcons(): AppDeps['site'] {
    const folder = root()
    for (const name of NAMES) writeFileSync(join(folder, name), 'ours')
    const files = NAMES.map(path => ({ path, type: 'text/plain', etag: 'x', encodings: [] }))
    return { ...own, built: { root: folder, files } }
  }

  test('built files', async () => {
    const folder = root()
    writeFileSync(join(folder, 'index.html'), '<!doctype html>')
    for (const name of NAMES.slice(0, 3)) writeFileSync(join(folder, name), 'theirs')
    const { ask } = await start(toSite({ static: folder }, '/', PUBLIC_URL, HOUR), { site: ownWithIcons() })
    for (const name of NAMES.slice(0, 3)) expect((await ask(name)).body).toBe('theirs')
    for (const name of NAMES.slice(3)) expect([name, (await ask(name)).status]).toEqual([name, 404])
  })

  test('a server', async () => {
    const front = await listen((_incoming, outgoing) => void outgoing.end('theirs'))
    closing.push(front.close)
    const { ask } = await start(toSite({ upstream: front.origin }, '/', PUBLIC_URL, HOUR), { site: ownWithIcons() })
    for (const name of NAMES) expect((await ask(name)).body).toBe('theirs')
  })

  test('our own pages', async () => {
    const { ask } = await start(OWN_SITE, { site: ownWithIcons() })
    for (const name of NAMES) expect((await ask(name)).body).toBe('ours')
  })
})

test('the client script is served in every mode, and browsers ask for it again each time', async () => {
  const { ask } = await start(OWN_SITE)
  const script = await ask('/_porchlight/client.js')
  expect(script.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'no-cache',
  })
  const again = await ask('/_porchlight/client.js', { headers: { 'if-none-match': String(script.headers.etag) } })
  expect([again.status, again.body]).toEqual([304, ''])
})
