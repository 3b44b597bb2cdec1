import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ProblemBody } from '../../server/contract/problem-codes.ts'
import type { Visitor } from '../support/client.ts'
import { type Answer, rawExchange } from '../support/client.ts'
import { type Person, setUp, signUp, somebody } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

let server: Server
let admin: Visitor
let person: Person
let browser: Visitor

beforeAll(async () => {
  server = await startServer({ settings: { REGISTRATION: 'open' } })
  admin = (await setUp(server.origin)).browser
  ;({ browser, person } = await signUp(admin))
})
afterAll(stopAll)

let told = 0
afterEach(async () => {
  // Whatever was thrown at it: nothing was lost, and nothing was a fault of ours.
  expect((await browser.session()).user?.email).toBe(person.email)
  const news = server.output.slice(told)
  told += news.length
  expect(news.split('\n').filter(line => /"level":(50|60)/.test(line))).toEqual([])
})

function expectProblem(answer: Answer, status: number, code: ProblemBody['code']): void {
  expect({ answered: answer.status, ...(JSON.parse(answer.text || '{}') as object) }).toMatchObject({
    answered: status,
    status,
    code,
    type: 'about:blank',
  })
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(answer.headers['cache-control']).toContain('no-store')
}

describe('cookies that are not what they should be', () => {
  const nobody = { user: null, session: null }
  const access = () => browser.jar.value('access') ?? ''
  const refresh = () => browser.jar.value('refresh') ?? ''
  const ask = (cookie: string) => browser.ask({ path: '/auth/session', cookies: false, headers: { cookie } })

  test.each([
    ['empty', () => 'porchlight-access=; porchlight-refresh='],
    ['no equals sign', () => 'porchlight-access; porchlight-refresh'],
    ['not a token', () => 'porchlight-access=hello; porchlight-refresh=hello'],
    ['only separators', () => ';;;; ; =; =;'],
    ['a cut access token', () => `porchlight-access=${access().slice(0, -7)}`],
    ['an access token with one letter changed', () => `porchlight-access=${flip(access(), 40)}`],
    ['a refresh token with its tag changed', () => `porchlight-refresh=${flip(refresh(), refresh().length - 3)}`],
    [
      'a refresh token of a later generation with the old tag',
      () => `porchlight-refresh=${refresh().replace(/\.(\d+)\./, '.99.')}`,
    ],
    ['a generation that is no canonical number', () => `porchlight-refresh=${refresh().replace(/\.(\d+)\./, '.0$1.')}`],
    ['the access token in the refresh cookie', () => `porchlight-refresh=${access()}`],
    ['the refresh token in the access cookie', () => `porchlight-access=${refresh()}`],
    ['CK-3 our names in other spellings', () => `PORCHLIGHT-ACCESS=${access()}; Porchlight-Refresh=${refresh()}`],
    [
      'names of the other scheme',
      () => `__Host-porchlight-access=${access()}; __Host-Http-porchlight-refresh=${refresh()}`,
    ],
    ['an unsigned token', () => `porchlight-access=${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`],
    ['binary', () => 'porchlight-access=\x80\xff\xfe; porchlight-refresh=\xc3\x28'],
  ])('%s: nobody, nothing set or cleared', async (_what, cookie) => {
    const answer = await ask(cookie())
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject(nobody)
    expect(answer.setCookies).toEqual([])
  })

  test('CK-11 two cookies of one name: nobody, whichever comes first, and a page says what to do', async () => {
    const mine = `porchlight-access=${access()}; porchlight-refresh=${refresh()}`
    for (const cookie of [
      `porchlight-access=x; ${mine}`,
      `${mine}; porchlight-access=x`,
      `${mine}; porchlight-refresh=${refresh()}`,
    ]) {
      const answer = await ask(cookie)
      expect(answer.setCookies).toEqual([])
      expect(JSON.parse(answer.text)).not.toMatchObject({ user: { email: person.email } })
      const page = await browser.ask({
        path: '/account',
        cookies: false,
        headers: { cookie, accept: 'text/html', 'sec-fetch-mode': 'navigate' },
      })
      expect(page.status).toBe(400)
      expect(page.text).toMatch(/Clear this site&#39;s data: select the icon left of the address/)
      expect(page.text).not.toContain(person.email)
    }
  })

  test("cookies of another server are nobody's here", async () => {
    const other = await startServer()
    const { browser: foreign } = await setUp(other.origin)
    const answer = await ask(foreign.jar.header() ?? '')
    expect(answer.json()).toMatchObject(nobody)
    expect(answer.setCookies).toEqual([])
    await other.stop()
  })

  test("two people's cookies mixed: the refresh token names the session", async () => {
    const { browser: second, person: other } = await signUp(admin)
    const answer = await ask(`porchlight-access=${access()}; porchlight-refresh=${second.jar.value('refresh') ?? ''}`)
    expect(answer.json<{ user: { email: string } }>().user.email).toBe(other.email)
  })

  test('a hundred foreign cookies beside ours do not matter', async () => {
    const crowd = Array.from({ length: 100 }, (_, i) => `c${i}=${'v'.repeat(20)}`).join('; ')
    expect((await ask(`${crowd}; ${browser.jar.header() ?? ''}`)).json<{ user: { email: string } }>().user.email).toBe(
      person.email,
    )
  })

  test('headers over the limit are 431, as a problem with our headers', async () => {
    const answer = await rawExchange(
      server.port,
      `GET /auth/session HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: a=${'x'.repeat(40_000)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(answer).toContain('application/problem+json')
    expect(answer).toContain('"code":"headers_too_large"')
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff')
  })
})

describe('bodies that are not what they should be', () => {
  const login = (body: string, type = 'application/json') =>
    browser.stranger().post('/auth/login', body, { 'content-type': type })

  test.each([
    ['', 400],
    ['{', 400],
    ['{"email":', 400],
    ['null', 400],
    ['[]', 400],
    ['"text"', 400],
    ['12', 400],
    ['{"email":1,"password":2}', 400],
    ['{"email":"a@example.org"}', 400],
    ['{"email":"a@example.org","password":"x","admin":true}', 400],
    ['{"__proto__":{"email":"a"},"email":"a@b.c","password":"x"}', 400],
    ['{"email":["a"],"password":{"$ne":null}}', 400],
    ['\ufeff{}', 400],
    ['{"email":"a@example.org","password":"x","remember":"yes"}', 400],
    [`${'['.repeat(20_000)}${']'.repeat(20_000)}`, 400],
  ])('%.40s is %i', async (body, status) => {
    const answer = await login(body)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  test('CS-7, ASVS 3.5.1 only JSON is taken where JSON is spoken', async () => {
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonp', '']) {
      expectProblem(
        await browser.ask({
          method: 'PATCH',
          path: '/auth/user',
          body: '{"name":"Mallory"}',
          headers: { 'content-type': type },
        }),
        415,
        'unsupported_media_type',
      )
    }
    expectProblem(
      await browser.ask({
        method: 'PATCH',
        path: '/auth/user',
        body: 'name=Mallory',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      415,
      'unsupported_media_type',
    )
  })

  test('a wrong field is named', async () => {
    const answer = await browser.stranger().post('/auth/register', { email: 'not an address', name: '', password: 'x' })
    expectProblem(answer, 400, 'invalid_body')
    expect(Object.keys(answer.json<ProblemBody>().fields ?? {})).toEqual(expect.arrayContaining(['email', 'name']))
  })

  test('an unknown field is named', async () => {
    const answer = await browser
      .stranger()
      .post('/auth/login', { email: person.email, password: person.password, roles: ['admin'] })
    expectProblem(answer, 400, 'invalid_body')
    expect(Object.keys(answer.json<ProblemBody>().fields ?? {})).toEqual(['roles'])
  })

  test('a megabyte of name is refused, by its size or by its length', async () => {
    expectProblem(
      await browser.ask({ method: 'PATCH', path: '/auth/user', body: { name: 'x'.repeat(1_048_576) } }),
      413,
      'body_too_large',
    )
    expectProblem(
      await browser.ask({ method: 'PATCH', path: '/auth/user', body: { name: 'x'.repeat(1000) } }),
      400,
      'invalid_body',
    )
  })

  test('a body that grows past the limit without having said so is refused too', async () => {
    const size = 200_000
    const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`
    const answer = await rawExchange(
      server.port,
      `POST /auth/login HTTP/1.1\r\nHost: localhost:${server.port}\r\nOrigin: ${server.origin}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test.each([
    'Zoë 🏮 Lampe',
    'محمد عبد الله',
    'שלום',
    '李小龍',
    'O\u2019Neil <b>&amp;',
    '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}',
    "Robert'); DROP TABLE accounts;--",
  ])('a name like %s is kept as it is and shown as text', async name => {
    const someone = somebody(name)
    const visitor = browser.stranger()
    expect((await visitor.post('/auth/register', someone)).status).toBe(200)
    expect((await visitor.session()).user?.name).toBe(name)
    const { text } = await visitor.page('/account')
    expect(text).not.toContain('<b>&amp;')
  })

  test.each(['line\nbreak', 'null\u0000byte', '\u202eright-to-left override', '   '])(
    'a name like %j is refused',
    async name => {
      expectProblem(await browser.stranger().post('/auth/register', { ...somebody(), name }), 400, 'invalid_body')
    },
  )
})

describe('odd paths', () => {
  const status = async (path: string, method = 'GET') => (await browser.ask({ path, method })).status

  test.each([
    '/auth/%2e%2e/auth/session',
    '/auth/../auth/session',
    '/auth/./session',
    '/auth//session',
    '//auth/session',
    '/auth/session;x=1',
    '/auth%2fsession/..',
    '/auth/%252e%252e/session',
    '/auth\\session',
    '/auth/%',
    '/auth/%zz',
    '/auth/%c0%af',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/auth/session%00',
    '/auth/%5c..',
  ])('BBA-13, BBA-14 %s is refused', async path => {
    const answer = await browser.ask({ path })
    expect([400, 404]).toContain(answer.status)
    expect(answer.text).not.toContain(person.email)
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  })

  test.each([
    'http://evil.example/auth/session',
    'http://localhost/auth/session',
    'auth/session',
    '*',
    '/auth/ses sion',
    '/auth/\x07session',
    '/#/auth/session',
  ])('BBA-13 the target %j is refused', async target => {
    const answer = await rawExchange(
      server.port,
      `GET ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404)/)
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff')
  })

  test('V13 13.4 nothing stray is served', async () => {
    for (const path of [
      '/.git/config',
      '/.env',
      '/data/keys.json',
      '/porchlight.db',
      '/data/porchlight.sqlite',
      '/package.json',
      '/server/cli.ts',
      '/_porchlight/../package.json',
      '/_porchlight/x.js.map',
      '/_nuxt/',
      '/__nuxt_error',
      '/api/',
      '/api/x',
      '/_ipx/x',
      '/metrics',
    ]) {
      expect([400, 404], path).toContain(await status(path))
    }
  })

  test('a family ends in its own 404, as a problem', async () => {
    expectProblem(await browser.get('/auth/nothing'), 404, 'not_found')
    expectProblem(await browser.get('/api/nothing/here'), 404, 'not_found')
  })

  test('UX-14 unknown well-knowns are not found, instead of a page', async () => {
    const answer = await browser.get('/.well-known/nothing-here')
    expect(answer.status).toBe(404)
    expect(answer.headers['content-type']).not.toContain('text/html')
  })

  test('ASVS 14.2.5 a page with something added to its address is no page', async () => {
    for (const path of ['/account/x.css', '/account/sessions/logo.png', '/account.css', '/account/sessions.json']) {
      const answer = await browser.page(path)
      expect(answer.status, path).toBe(404)
      expect(answer.headers['cache-control'], path).toContain('no-store')
    }
  })

  test('BBA-15 a method that an address does not take is 405, and Allow says which', async () => {
    for (const [method, path] of [
      ['DELETE', '/auth/session'],
      ['GET', '/auth/login'],
      ['PUT', '/auth/user'],
      ['POST', '/sign-in'],
      ['TRACE', '/'],
      ['PUT', '/account'],
    ] as const) {
      const answer = await browser.ask({ method, path })
      expect(answer.status, `${method} ${path}`).toBe(405)
      expect(answer.headers.allow, `${method} ${path}`).toBeTruthy()
    }
    expect(await rawExchange(server.port, `BREW / HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 (400|405)/,
    )
  })

  test('an unknown page is a 404 page of ours, with its policy', async () => {
    const answer = await browser.page('/no-such-page')
    expect(answer.status).toBe(404)
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers['content-security-policy']).toMatch(/script-src 'nonce-/)
  })

  test('the query is not judged by the rules for paths', async () => {
    expect(await status('/auth/session?a=..%2f..%2f&b=//x;%5c')).toBe(200)
  })
})

describe('odd hosts', () => {
  const raw = (head: string) =>
    rawExchange(server.port, `GET /auth/session HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)

  test.each([
    'evil.example',
    'localhost',
    'localhost:1',
    `evil.example:${'0'}`,
    '[::1]',
    'localhost.',
    'LOCALHOST.evil.example',
    'localhost:99999',
    '',
    'local host',
    'user@localhost',
  ])('Host %j is not served, and is told where the site is', async host => {
    const answer = await raw(`Host: ${host}\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (400|421) /)
    expect(answer).not.toContain(person.email)
  })

  test('a wrong Host gets a plain page that names both addresses', async () => {
    const answer = await browser.ask({ path: '/', headers: { host: '192.168.1.20:3000', accept: 'text/html' } })
    expect(answer.status).toBe(421)
    expect(answer.text).toContain('192.168.1.20:3000')
    expect(answer.text).toContain(server.origin)
    expect(answer.text).toContain('PORCHLIGHT_PUBLIC_URL')
  })

  test('what a wrong Host holds is text', async () => {
    const answer = await raw('Host: <script>alert(1)</script>\r\nAccept: text/html\r\n')
    expect(answer).toContain('text/html')
    expect(answer).not.toContain('<script>')
  })

  test('two hosts, or none, are refused', async () => {
    expect(await raw(`Host: localhost:${server.port}\r\nHost: evil.example\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw('')).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('X-Forwarded-Host does not stand in for it', async () => {
    const answer = await browser.page('/account/sessions', {
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
      'x-forwarded-proto': 'https',
    })
    expect(answer.status).toBe(200)
    expect(answer.text).not.toContain('evil.example')
  })
})

describe('broken HTTP', () => {
  test('V4 4.2.x conflicting lengths are refused', async () => {
    const head = `POST /auth/login HTTP/1.1\r\nHost: localhost:${server.port}\r\nOrigin: http://localhost:${server.port}\r\nContent-Type: application/json\r\n`
    for (const more of [
      'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x',
      'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'Content-Length: -1\r\n\r\n',
      'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
    ]) {
      const answer = await rawExchange(server.port, head + more)
      expect(answer, more).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer.toLowerCase(), more).toContain('x-content-type-options: nosniff')
    }
  })

  test('bytes that are no HTTP get an answer that is', async () => {
    const answer = await rawExchange(server.port, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"bad_request"')
  })

  test('a client that goes away in the middle of its body harms nobody', async () => {
    await rawExchange(
      server.port,
      `POST /auth/login HTTP/1.1\r\nHost: localhost:${server.port}\r\nOrigin: ${server.origin}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"email":`,
      300,
    )
  })
})

describe('CSRF', () => {
  test.each([
    ['CS-1 cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['CS-1 same-site', { 'sec-fetch-site': 'same-site' }],
    ['CS-2 a foreign Origin although Sec-Fetch-Site is right', { origin: 'https://evil.example' }],
    ['CS-2 Origin null from another site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['CS-2 Origin null from a sibling', { origin: 'null', 'sec-fetch-site': 'same-site' }],
    ['CS-2 an Origin that begins like ours', { origin: 'PLACEHOLDER.evil.example' }],
    ['CS-4 none, but no navigation', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'cors' }],
  ])('%s: refused', async (_what, headers: Record<string, string>) => {
    const real = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('PLACEHOLDER', server.origin)]),
    )
    expectProblem(await browser.post('/auth/logout', undefined, real), 403, 'cross_origin')
  })

  test('CS-2 without Sec-Fetch-Site and Origin the Referer decides; without any, it is refused', async () => {
    const bare = (headers: Record<string, string>) =>
      browser.ask({ method: 'PATCH', path: '/auth/user', body: { name: person.name }, browserLike: false, headers })
    expectProblem(await bare({}), 403, 'cross_origin')
    expectProblem(await bare({ referer: 'https://evil.example/' }), 403, 'cross_origin')
    expect((await bare({ referer: `${server.origin}/account` })).status).toBe(200)
    expect((await bare({ origin: server.origin })).status).toBe(200)
  })

  test('CS-10 sign-in and sign-up are covered too', async () => {
    for (const path of ['/auth/login', '/auth/register', '/auth/reset', '/auth/setup']) {
      expectProblem(await browser.stranger().post(path, {}, { 'sec-fetch-site': 'cross-site' }), 403, 'cross_origin')
    }
  })

  test('CS-6 reading changes nothing', async () => {
    const before = (await browser.get('/auth/sessions')).text
    for (const path of [
      '/auth/session',
      '/auth/sessions',
      '/auth/events',
      '/auth/methods',
      '/',
      '/account',
      '/signed-out',
    ]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) await browser.ask({ method, path })
    }
    expect((await browser.get('/auth/sessions')).json<{ sessions: unknown[] }>().sessions.length).toBe(
      (JSON.parse(before) as { sessions: unknown[] }).sessions.length,
    )
  })

  test('CS-9 an Authorization header signs nobody in', async () => {
    const answer = await browser
      .stranger()
      .get('/auth/session', { authorization: `Bearer ${browser.jar.value('access') ?? ''}` })
    expect(answer.json()).toMatchObject({ user: null })
  })

  test('CS-13 an upgrade from elsewhere is refused', async () => {
    const answer = await rawExchange(
      server.port,
      `GET /api/x HTTP/1.1\r\nHost: localhost:${server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: https://evil.example\r\nCookie: ${browser.jar.header() ?? ''}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  })
})

function flip(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}
