import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ADA,
  type Answered,
  CONFIG,
  fakeSessions,
  GRANT,
  PUBLIC_URL,
  type Running,
  SESSION,
  SIGNED_IN,
  startApp,
} from '../../tests/support/app.ts'
import { Problem } from '../base/problem.ts'
import { OWN_SITE } from '../config/site-settings.ts'
import type { PorchlightResponse } from '../http/response/server-response.ts'
import { testUpstream, testRelay } from '../relay/relay.testing.ts'
import { SITE_CONTEXT, type SiteContext } from '../contract/site-context.ts'

let app: Running
afterEach(() => app.close())

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
const FROM_OUR_PAGE = { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }
const code = (answered: Answered) => (answered.json() as { code: string }).code
const setCookies = (answered: Answered) => answered.headers['set-cookie'] ?? []

describe('every response', () => {
  test.each<[string, string, object]>([
    ['a page', '/', {}],
    ['JSON', '/auth/session', {}],
    ['a 404', '/auth/nothing', {}],
    ['a redirect', '/.well-known/change-password', {}],
    ['a refused path', '/a%2e%2e/..', {}],
    ['a refused host', '/', { headers: { host: 'other.example' } }],
    ['a refused method', '/', { method: 'POST' }],
    ['a crash', '/auth/crash', {}],
    ['a health check', '/healthz', {}],
  ])(
    'ASVS 3.4.4 ASVS 3.4.6 ASVS 3.4.8 ASVS 3.5.8 ASVS 4.1.1 HD-12 carries the security headers: %s',
    async (_title, target, options) => {
      app = await startApp()
      const { headers } = await app.ask(target, options)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'same-origin',
      })
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      // JSON is UTF-8 by definition and has no such parameter (RFC 8259 §11).
      expect(headers['content-type'] ?? 'text/none; charset=utf-8').toMatch(
        /^application\/(?:problem\+)?json$|^text\/.*; ?charset=utf-8$/,
      )
      expect(headers['x-request-id']).toMatch(/^[\w-]+$/)
      expect(headers['strict-transport-security']).toBeUndefined()
    },
  )

  test('ASVS 3.4.1 over https has HSTS for two years', async () => {
    app = await startApp({ config: { ...CONFIG, publicUrl: 'https://porch.example', secureCookies: true } })
    expect((await app.ask('/auth/session')).headers['strict-transport-security']).toBe('max-age=63072000')
  })

  test('has a request id that a client cannot choose', async () => {
    app = await startApp()
    const ids = await Promise.all(
      [1, 2, 3].map(
        async () =>
          (await app.ask('/healthz', { headers: { 'x-request-id': 'chosen-by-client' } })).headers['x-request-id'],
      ),
    )
    expect(new Set(ids).size).toBe(3)
    expect(ids).not.toContain('chosen-by-client')
  })

  test('keeps the request id of a trusted proxy if it is well-formed', async () => {
    app = await startApp({ config: { ...CONFIG, trustedProxies: ['127.0.0.1'] } })
    expect((await app.ask('/healthz', { headers: { 'x-request-id': 'abc-123-def' } })).headers['x-request-id']).toBe(
      'abc-123-def',
    )
    expect(
      (await app.ask('/healthz', { headers: { 'x-request-id': 'a "b" <script>' } })).headers['x-request-id'],
    ).not.toContain('script')
  })
})

describe('the Host header', () => {
  test.each([
    'other.example',
    'porch.example.evil.example',
    'porch.example:8080',
    '127.0.0.1',
    'user@porch.example',
    '',
  ])('%j gets 421, and a page names the right address', async host => {
    app = await startApp()
    const answered = await app.ask('/account', { headers: { host, ...NAVIGATION, 'accept-language': 'zh-CN' } })
    expect(answered.status).toBe(421)
    expect(answered.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answered.body).toContain(PUBLIC_URL)
    expect(answered.body).toContain('lang="zh-CN"')
    expect(answered.body).not.toContain('<script')
    expect(app.sessions.asked).toEqual([])
  })

  test('is escaped where it is shown', async () => {
    app = await startApp()
    const answer = await app.raw(
      'GET / HTTP/1.1\r\nHost: "><img src=x>\r\nAccept: text/html\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toContain('421')
    expect(answer).not.toContain('<img')
  })

  test.each(['PORCH.example', 'porch.example:80'])('%s is the same host', async host => {
    app = await startApp()
    expect((await app.ask('/auth/session', { headers: { host } })).status).toBe(200)
  })

  test('BBA-13 two Host headers, or none, are refused', async () => {
    app = await startApp()
    expect(
      await app.raw(
        'GET /auth/session HTTP/1.1\r\nHost: porch.example\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      ),
    ).toMatch(/^HTTP\/1.1 400 .*bad_request/s)
    expect(await app.raw('GET /auth/session HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 .*bad_request/s,
    )
  })

  test('is not checked for probes, which use an internal name', async () => {
    app = await startApp()
    expect((await app.ask('/healthz', { headers: { host: '10.0.0.5' } })).status).toBe(200)
    expect((await app.ask('/readyz', { headers: { host: '10.0.0.5' } })).status).toBe(200)
  })
})

describe('targets and methods', () => {
  test.each([
    'GET http://evil.example/',
    'GET https://porch.example/',
    'GET http://porch.example.evil.example/',
    'GET http://user@porch.example/',
    'GET http://porch.example:8080/',
    'GET http://porch%2eexample/',
    'GET http://porch.example#x',
    'GET http:/porch.example/',
    'GET ftp://porch.example/',
    'GET http://porch.example/../auth/session',
    'GET http://porch.example//evil.example/x',
    'GET http://porch.example/a\\b',
    'OPTIONS *',
    'GET /auth/../auth/session',
    'GET /auth/%2e%2e/x',
    'GET //evil.example/x',
    'GET /a\\b',
  ])('BBA-13 %s is 400', async start => {
    app = await startApp()
    const answer = await app.raw(`${start} HTTP/1.1\r\nHost: porch.example\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    // A target that is none at all is rejected by Node's parser before any path is checked.
    expect(answer).toMatch(/"code":"bad_(?:path|request)"/)
    expect(answer).toContain('nosniff')
  })

  test.each(['http://porch.example/auth/session', 'HTTP://PORCH.example:80/auth/session?x=1'])(
    'RFC 9112 §3.2.2 %s in absolute form is that page, whatever the Host header',
    async target => {
      app = await startApp()
      for (const host of ['porch.example', 'evil.example', '']) {
        const answer = await app.raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        expect(answer).toMatch(/^HTTP\/1.1 200 /)
        expect(answer).toContain('"user":null')
      }
      expect(app.log.lines.filter(line => line.message === 'request').map(line => line.path)).toEqual([
        '/auth/session',
        '/auth/session',
        '/auth/session',
      ])
      expect(await app.raw(`GET ${target} HTTP/1.1\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 400 .*bad_request/s,
      )
      expect(
        await app.raw(
          `GET ${target} HTTP/1.1\r\nHost: porch.example\r\nHost: porch.example\r\nConnection: close\r\n\r\n`,
        ),
      ).toMatch(/^HTTP\/1.1 400 .*bad_request/s)
    },
  )

  test('RFC 9112 §3.2.2 an absolute URL without a path, or of a rendered page, works, too', async () => {
    const seen: unknown[] = []
    app = await startApp({
      site: {
        built: null,
        development: null,
        listener: async () => (incoming, outgoing) => {
          seen.push([incoming.url, incoming.headers.host])
          outgoing.end('page')
        },
      },
    })
    for (const target of ['http://porch.example', 'http://porch.example?a=b', 'http://porch.example/account?c']) {
      expect(await app.raw(`GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 200 /,
      )
    }
    expect(seen).toEqual([
      ['/', 'porch.example'],
      ['/?a=b', 'porch.example'],
      ['/account?c', 'porch.example'],
    ])
  })

  test('the query is not inspected', async () => {
    app = await startApp()
    expect((await app.ask('/auth/session?a=../..//;%2f%zz\\')).status).toBe(200)
  })

  test('ASVS 13.4 TRACE is 405 and echoes nothing', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/session', {
      method: 'TRACE',
      headers: { cookie: 'porchlight-access=secret' },
    })
    expect(answered.status).toBe(405)
    expect(answered.body).not.toContain('secret')
  })

  test('CONNECT is 405 with our headers and body', async () => {
    app = await startApp()
    const answer = await app.raw('CONNECT evil.example:443 HTTP/1.1\r\nHost: porch.example\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 405 /)
    expect(answer).toMatch(/^X-Content-Type-Options: nosniff\r$/m)
    expect(answer).toMatch(/"code":"method_not_allowed"/)
  })

  test.each(['/__nuxt_error', '/__nuxt_error?statusCode=200', '/__nuxt/x'])(
    '%s is internal to Nuxt and cannot be requested',
    async path => {
      app = await startApp()
      expect(await app.ask(path)).toMatchObject({ status: 404 })
      expect((await app.ask(path)).json()).toMatchObject({ code: 'not_found' })
    },
  )

  test('a POST to a page is 405 and lists the allowed methods', async () => {
    app = await startApp()
    const answered = await app.ask('/account', { method: 'POST', headers: FROM_OUR_PAGE })
    expect(answered.status).toBe(405)
    expect(answered.headers.allow).toBe('GET, HEAD')
  })

  test('a wrong method on a known path is 405 with the right ones; an unknown path is 404', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/login')
    expect(answered.status).toBe(405)
    expect(answered.headers.allow).toBe('POST')
    expect((await app.ask('/auth/session', { method: 'OPTIONS', headers: { origin: PUBLIC_URL } })).headers.allow).toBe(
      'GET, HEAD',
    )
    expect((await app.ask('/auth/nothing')).status).toBe(404)
    expect((await app.ask('/api/nothing')).status).toBe(404)
    expect((await app.ask('/auth')).status).toBe(404)
  })

  test('HEAD responds as GET does, without a body', async () => {
    app = await startApp()
    for (const target of ['/', '/auth/session', '/healthz', '/auth/nothing']) {
      const answered = await app.ask(target, { method: 'HEAD' })
      expect(answered.status).toBe(target === '/auth/nothing' ? 404 : 200)
      expect(answered.body).toBe('')
    }
  })

  test('UX-14 UX-15 well-known URLs: change-password redirects, an unknown one is 404 and never a page', async () => {
    app = await startApp()
    expect(await app.ask('/.well-known/change-password')).toMatchObject({
      status: 303,
      headers: { location: '/account' },
    })
    expect(
      (
        await app.ask('/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200', {
          headers: NAVIGATION,
        })
      ).status,
    ).toBe(404)
    // There are no passkeys yet, so no client may be led to believe that there is an endpoint for them.
    expect((await app.ask('/.well-known/passkey-endpoints', { headers: NAVIGATION })).status).toBe(404)
  })

  test('UX-16 security.txt names the configured contact for a month; without one there is none', async () => {
    app = await startApp()
    expect((await app.ask('/.well-known/security.txt')).status).toBe(404)
    await app.close()
    app = await startApp({ config: { ...CONFIG, securityContact: 'mailto:security@porch.example' } })
    const { status, headers, body } = await app.ask('/.well-known/security.txt')
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
    const fields = new Map(
      body
        .trimEnd()
        .split('\n')
        .map(line => line.split(': ') as [string, string]),
    )
    expect([...fields.keys()]).toEqual(['Contact', 'Expires', 'Canonical'])
    expect([fields.get('Contact'), fields.get('Canonical')]).toEqual([
      'mailto:security@porch.example',
      `${PUBLIC_URL}/.well-known/security.txt`,
    ])
    const days = (Date.parse(fields.get('Expires') ?? '') - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(29)
    expect(days).toBeLessThanOrEqual(30)
  })

  test('readiness gives the reason', async () => {
    app = await startApp({ readiness: async () => new Problem('store_unavailable', { retryAfter: 5 }) })
    const answered = await app.ask('/readyz')
    expect(answered.status).toBe(503)
    expect(answered.headers['retry-after']).toBe('5')
    expect(code(answered)).toBe('store_unavailable')
    expect((await app.ask('/healthz')).status).toBe(200)
  })
})

describe('cross-origin requests', () => {
  test.each<[string, Record<string, string>]>([
    ['BBA-9 a sibling host', { origin: 'http://app.porch.example', 'sec-fetch-site': 'same-site' }],
    ['BBA-10 another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['BBA-12 the null origin', { origin: 'null' }],
    ['CS-2 nobody says where from', {}],
  ])('CS-10 signing in is refused to %s', async (_title, headers) => {
    app = await startApp()
    const answered = await app.ask('/auth/login', { method: 'POST', headers })
    expect(answered.status).toBe(403)
    expect(code(answered)).toBe('cross_origin')
    expect(setCookies(answered)).toEqual([])
    expect(app.sessions.asked).toEqual([])
  })

  test('BBA-12 no preflight is ever approved', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/login', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(answered.status).toBe(405)
    expect(Object.keys(answered.headers).filter(name => name.startsWith('access-control'))).toEqual([])
  })

  test('ASVS 4.4.2 an upgrade is refused like an unsafe method', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/session', {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
        cookie: SIGNED_IN,
      },
    })
    expect(answered.status).toBe(403)
  })

  test('CS-5 links from other sites arrive signed in', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/session', { headers: { cookie: SIGNED_IN, 'sec-fetch-site': 'cross-site' } })
    expect(answered.json()).toMatchObject({ user: { id: ADA.id } })
  })
})

describe('authentication', () => {
  test('BBA-18 is reported without a token, and never cached', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/session', { headers: { cookie: SIGNED_IN } })
    expect(answered.json()).toEqual({
      user: ADA,
      session: {
        id: SESSION.publicId,
        createdAt: 1,
        authTime: 1,
        accessEndsAt: 2,
        idleEndsAt: 3,
        absoluteEndsAt: 4,
        amr: ['pwd'],
        remember: false,
      },
    })
    expect(answered.headers['cache-control']).toBe('private, no-store')
  })

  test('a disabled or deleted account is anonymous, and gets no cookies', async () => {
    app = await startApp({ findUser: async () => null })
    const answered = await app.ask('/auth/session', { headers: { cookie: 'porchlight-access=due' } })
    expect(answered.json()).toEqual({ user: null, session: null })
    expect(setCookies(answered)).toEqual([])
  })

  test('an ended session is anonymous, with the reason', async () => {
    app = await startApp()
    expect((await app.ask('/auth/session', { headers: { cookie: 'porchlight-access=ended' } })).json()).toEqual({
      user: null,
      session: null,
      ended: 'idle',
    })
  })

  test.each<[string, string, string, Record<string, string>, number]>([
    ['the question who is signed in', 'GET', '/auth/session', {}, 200],
    ['a page', 'GET', '/account', NAVIGATION, 200],
    ['a page in an old browser', 'GET', '/account', { accept: 'text/html', 'sec-fetch-mode': '' }, 200],
    ['a page as a script asks for it', 'GET', '/account', {}, 401],
    ['a call that changes something', 'POST', '/auth/echo', {}, 401],
    ['a form', 'POST', '/auth/echo', NAVIGATION, 401],
    ['any other call', 'GET', '/auth/crash', {}, 401],
    ['a navigation to it', 'GET', '/auth/crash', NAVIGATION, 401],
    ['a call of an upstream', 'GET', '/api/notes', {}, 401],
    ['a navigation to an upstream', 'GET', '/api/notes', NAVIGATION, 401],
    ['an event stream', 'GET', '/api/notes', { accept: 'text/event-stream' }, 401],
  ])(
    'ASVS 7.2.4 the cookies of a session that was just replaced: %s',
    async (_title, method, path, headers, status) => {
      app = await startApp({ relay: testRelay([testUpstream('http://127.0.0.1:9')]) })
      const { 'sec-fetch-mode': mode, ...rest } = {
        ...FROM_OUR_PAGE,
        ...headers,
        cookie: 'porchlight-access=replaced',
      } as Record<string, string>
      const answered = await app.ask(path, {
        method,
        headers: mode === '' || mode === undefined ? rest : { ...rest, 'sec-fetch-mode': mode },
      })
      expect(answered.status).toBe(status)
      if (status === 401 && headers !== NAVIGATION) expect(code(answered)).toBe('session_replaced')
      expect(setCookies(answered)).toEqual([])
    },
  )

  test('ASVS 7.2.4 a page loaded with such cookies cannot call anything for their owner', async () => {
    const calls: Promise<string>[] = []
    const site = (incoming: object, outgoing: ServerResponse) => {
      const { fetch } = (incoming as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext
      calls.push(
        ...['/auth/session', '/auth/bad-header', '/api/notes'].map(async path => `${(await fetch(path)).status}`),
      )
      outgoing.end('<!doctype html>')
    }
    app = await startApp({
      relay: testRelay([testUpstream('http://127.0.0.1:9')]),
      site: { built: { root: '/nowhere', files: [] }, development: null, listener: async () => site },
    })
    expect(
      (await app.ask('/account', { headers: { ...NAVIGATION, cookie: 'porchlight-access=replaced' } })).status,
    ).toBe(200)
    expect(await Promise.all(calls)).toEqual(['200', '401', '401'])
  })

  test('CK-11 two cookies with one name are anonymous: a page explains, a change is 400, nothing is set', async () => {
    app = await startApp()
    const headers = { cookie: 'porchlight-access=good; porchlight-access=evil', ...FROM_OUR_PAGE }
    expect((await app.ask('/auth/session', { headers })).json()).toEqual({ user: null, session: null })
    const page = await app.ask('/account', { headers: { ...headers, ...NAVIGATION } })
    expect(page.status).toBe(400)
    expect(page.body).toContain('Clear this site')
    const call = await app.ask('/auth/echo', { method: 'POST', headers })
    expect(code(call)).toBe('duplicate_cookies')
    expect([...setCookies(page), ...setCookies(call)]).toEqual([])
  })

  test('CK-3 cookie names match exactly', async () => {
    app = await startApp()
    expect(
      (
        await app.ask('/auth/session', { headers: { cookie: 'PORCHLIGHT-ACCESS=good; __Host-porchlight-access=good' } })
      ).json(),
    ).toMatchObject({ user: null })
  })

  test.each<[string, string, Record<string, string>, { renews: boolean; foreground: boolean }]>([
    ['a call', 'GET', {}, { renews: true, foreground: true }],
    ['a HEAD', 'HEAD', {}, { renews: false, foreground: true }],
    ['polling', 'GET', { 'x-porchlight-background': '1' }, { renews: true, foreground: false }],
    ['an event stream', 'GET', { accept: 'text/event-stream' }, { renews: true, foreground: false }],
    [
      'an upgrade',
      'GET',
      { ...FROM_OUR_PAGE, connection: 'upgrade', upgrade: 'websocket' },
      { renews: false, foreground: false },
    ],
  ])('%s refreshes and counts as activity as it should', async (_title, method, headers, traits) => {
    app = await startApp()
    await app.ask('/auth/session', { method, headers: { cookie: SIGNED_IN, ...headers } })
    expect(app.sessions.asked).toMatchObject([traits])
  })

  test('a failing store is 503 and leaves the cookies alone', async () => {
    app = await startApp()
    const headers = { cookie: 'porchlight-access=broken' }
    const answered = await app.ask('/auth/session', { headers })
    expect(answered).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    const page = await app.ask('/account', { headers: { ...headers, ...NAVIGATION } })
    expect(page.status).toBe(503)
    expect(page.body).toContain('Temporarily unavailable')
    expect([...setCookies(answered), ...setCookies(page)]).toEqual([])
  })
})

describe('cookies', () => {
  test('a refresh is sent with the response, which becomes private', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/session', { headers: { cookie: 'porchlight-access=due' } })
    expect(setCookies(answered)).toEqual(GRANT.cookies)
    expect(answered.headers['cache-control']).toBe('private, no-store')
  })

  test('HD-10 an error is never cached, whatever the site says about its path', async () => {
    app = await startApp({
      site: {
        built: null,
        development: null,
        listener: async () => (_incoming, outgoing) => {
          // Simulates a path below the assets, where the response is a problem instead of a page.
          outgoing.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
          Object.assign((outgoing as PorchlightResponse).ctx ?? {}, { contentSecurityPolicy: null })
          outgoing.writeHead(404, { 'Content-Type': 'application/problem+json' }).end('{}')
        },
      },
    })
    for (const path of ['/_porchlight', '/no-such-page'])
      expect((await app.ask(path)).headers['cache-control'], path).toBe('private, no-store')
  })

  test('a refresh is sent with a page, next to its own cookies', async () => {
    app = await startApp({
      site: {
        built: null,
        development: null,
        listener: async () => (_incoming, outgoing) => {
          outgoing.setHeader('Set-Cookie', ['theme=dark', 'porchlight-access=forged'])
          outgoing.setHeader('Cache-Control', 'public, max-age=60')
          outgoing.end('<!doctype html>')
        },
      },
    })
    const answered = await app.ask('/', { headers: { cookie: 'porchlight-access=due' } })
    expect(setCookies(answered)).toEqual(['theme=dark', ...GRANT.cookies])
    expect(answered.headers['cache-control']).toBe('private, no-store')
  })

  test('a refresh is sent with an error, too', async () => {
    app = await startApp()
    expect(setCookies(await app.ask('/auth/nothing', { headers: { cookie: 'porchlight-access=due' } }))).toEqual(
      GRANT.cookies,
    )
  })

  test('cookies are decided when the headers are sent, not before', async () => {
    const sessions = fakeSessions()
    app = await startApp({
      sessions,
      site: {
        built: null,
        development: null,
        listener: async () => (_incoming, outgoing) => {
          sessions.void = true
          outgoing.end()
        },
      },
    })
    expect(setCookies(await app.ask('/', { headers: { cookie: 'porchlight-access=due' } }))).toEqual([])
  })

  test('a 304 carries no cookies', async () => {
    app = await startApp({
      site: {
        built: null,
        development: null,
        listener: async () => (_incoming, outgoing) => {
          outgoing.writeHead(304)
          outgoing.end()
        },
      },
    })
    expect(setCookies(await app.ask('/', { headers: { cookie: 'porchlight-access=due' } }))).toEqual([])
  })

  test('CK-8 a sign-out clears cookies, and an earlier refresh is not sent', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/logout', {
      method: 'POST',
      headers: { cookie: 'porchlight-access=due', ...FROM_OUR_PAGE },
    })
    expect(setCookies(answered)).toEqual([
      'porchlight-access=; Max-Age=0; Path=/',
      'porchlight-refresh=; Max-Age=0; Path=/',
    ])
  })
})

describe('bodies', () => {
  const headers = { 'content-type': 'application/json', ...FROM_OUR_PAGE }

  test('up to 64 KiB arrive', async () => {
    app = await startApp()
    const body = 'x'.repeat(64 * 1024)
    expect((await app.ask('/auth/echo', { method: 'POST', headers, body })).json()).toEqual({ got: body })
    expect(
      (
        await app.ask('/auth/echo', {
          method: 'POST',
          headers: { ...headers, 'transfer-encoding': 'chunked' },
          body: 'hello',
        })
      ).json(),
    ).toEqual({ got: 'hello' })
  })

  test.each([
    ['says that it is', { 'content-length': String(64 * 1024 + 1) }],
    ['turns out to be', { 'transfer-encoding': 'chunked' }],
  ])('a body that %s larger is 413', async (_title, framing) => {
    app = await startApp()
    const answered = await app.ask('/auth/echo', {
      method: 'POST',
      headers: { ...headers, ...framing },
      body: 'x'.repeat(64 * 1024 + 1),
    })
    expect(answered.status).toBe(413)
    expect(code(answered)).toBe('body_too_large')
  })

  test('a body that waits for 100-continue is refused before it is sent', async () => {
    app = await startApp()
    const asking = (length: number) =>
      `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\nOrigin: ${PUBLIC_URL}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const refused = await app.raw(asking(10_000_000))
    expect(refused).toMatch(/^HTTP\/1.1 413 /)
    expect(refused).not.toContain('100 Continue')

    const socket = connect(app.port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString()
      if (answer.startsWith('HTTP/1.1 100 Continue') && !answer.includes('200')) socket.write('hello')
    })
    socket.write(asking(5))
    await new Promise(resolve => socket.on('close', resolve))
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 .*hello/s)
  })

  test('ASVS 4.2 two lengths, or a length with chunks, are rejected by the parser', async () => {
    app = await startApp()
    for (const framing of [
      'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: xchunked',
    ]) {
      expect(
        await app.raw(
          `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\nOrigin: http://porch.example\r\n${framing}\r\n\r\nhello`,
        ),
      ).toMatch(/^HTTP\/1.1 400 /)
    }
  })
})

describe('parser errors', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'bad_request'],
    ['a line feed in a header', 'GET / HTTP/1.1\r\nHost: porch.example\r\nA\nB: c\r\n\r\n', 400, 'bad_request'],
    [
      'a header that is too large',
      `GET / HTTP/1.1\r\nHost: porch.example\r\nCookie: ${'x'.repeat(17 * 1024)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'headers that are too large together',
      `GET / HTTP/1.1\r\nHost: porch.example\r\n${`A: ${'b'.repeat(50)}\r\n`.repeat(400)}\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a target that is too long',
      `GET /${'x'.repeat(17 * 1024)} HTTP/1.1\r\nHost: porch.example\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('%s is a problem response with our headers', async (_title, bytes, status, problem) => {
    app = await startApp()
    const answer = await app.raw(bytes)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    for (const line of [
      'Content-Type: application/problem+json',
      'X-Content-Type-Options: nosniff',
      'Content-Security-Policy: default-src',
      'Connection: close',
    ])
      expect(head).toContain(line)
    expect(JSON.parse(body)).toMatchObject({ status, code: problem })
  })

  const AS_PAGE = 'Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nAccept-Language: zh-CN\r\n'
  test.each([
    ['more than is accepted', 17 * 1024, AS_PAGE, 431, '浏览器发送的内容过多'],
    ['more than the parser reads', 60 * 1024, AS_PAGE, 431, '浏览器发送的内容过多'],
    [
      'more than is accepted, by a client that only accepts HTML',
      17 * 1024,
      'Accept: text/html\r\n',
      431,
      'sent too much',
    ],
    ['something that is no header', 10, `A\nB: c\r\n${AS_PAGE}`, 400, '无法理解该请求'],
  ])('a navigation that sends %s gets a page that explains what to do', async (_title, bytes, lines, status, title) => {
    app = await startApp()
    const answer = Buffer.from(
      await app.raw(`GET / HTTP/1.1\r\nHost: porch.example\r\n${lines}Cookie: a=${'x'.repeat(bytes)}\r\n\r\n`),
      'latin1',
    ).toString()
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(head).toContain('Content-Type: text/html; charset=utf-8')
    expect(head).toMatch(/Content-Security-Policy: default-src 'none'; style-src 'nonce-/)
    expect(head.match(/^Content-Security-Policy:/gim)).toHaveLength(1)
    expect(head.match(/^Connection: close$/gim)).toHaveLength(1)
    expect(head).toContain('Cache-Control:')
    expect(body).toContain(title)
    expect(body).not.toContain('xxx')
  })

  test.each([
    ['a script', 'Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n', 17 * 1024],
    ['a script', 'Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n', 60 * 1024],
    ['a client that accepts anything', 'Accept: */*\r\n', 17 * 1024],
    ['a WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-Fetch-Mode: websocket\r\n', 17 * 1024],
    ['a WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-Fetch-Mode: websocket\r\n', 60 * 1024],
  ])('%s gets JSON (%#)', async (_who, lines, bytes) => {
    app = await startApp()
    const answer = await app.raw(
      `GET /auth/session HTTP/1.1\r\nHost: porch.example\r\n${lines}Cookie: a=${'x'.repeat(bytes)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 431 .*\r\nConnection: close\r\n.*"code":"headers_too_large"/s)
    expect(answer.match(/^Connection: close\r$/gim)).toHaveLength(1)
  })

  test('up to 16 KB of headers are accepted, to the byte', async () => {
    app = await startApp()
    const own = 'GET /auth/session'.length - 'GET '.length + 'Hostporch.exampleConnectioncloseCookie'.length
    const ask = (bytes: number) =>
      app.raw(
        `GET /auth/session HTTP/1.1\r\nHost: porch.example\r\nConnection: close\r\nCookie: ${'x'.repeat(bytes - own)}\r\n\r\n`,
      )
    expect(await ask(16 * 1024)).toMatch(/^HTTP\/1.1 200 /)
    expect(await ask(16 * 1024 + 1)).toMatch(/^HTTP\/1.1 431 /)
  })

  test('headers that never end are 408', async () => {
    app = await startApp()
    const accepted = new Promise<Socket>(resolve => app.server.once('connection', resolve))
    const answer = app.raw('GET / HTTP/1.1\r\n')
    // What Node emits after headersTimeout, without the wait.
    app.server.emit('clientError', Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), await accepted)
    expect(await answer).toMatch(/^HTTP\/1.1 408 .*request_timeout/s)
  })

  test('many small headers all arrive: none is silently dropped', async () => {
    app = await startApp()
    const answer = await app.raw(
      `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\n${'A:\r\n'.repeat(2500)}Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 403 /)
  })
})

describe('unexpected errors', () => {
  test('are 500 without their cause, which is logged with the same id', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/crash')
    expect(answered.status).toBe(500)
    expect(answered.headers['content-type']).toBe('application/problem+json')
    expect(answered.body).not.toMatch(/secret|at /)
    const { requestId } = answered.json() as { requestId: string }
    expect(app.log.lines.find(line => line.level === 'error')).toMatchObject({
      requestId,
      path: '/auth/crash',
      error: { message: 'a secret in a message' },
    })
  })

  test('in the site are 500 with a plain page for a navigation', async () => {
    app = await startApp({
      site: { built: null, development: null, listener: async () => () => Promise.reject(new Error('broken page')) },
    })
    const answered = await app.ask('/account', { headers: NAVIGATION })
    expect(answered.status).toBe(500)
    expect(answered.body).not.toContain('broken page')
  })

  test('a header that cannot be sent is a 500, not a broken response', async () => {
    app = await startApp()
    const answered = await app.ask('/auth/bad-header')
    expect(answered.status).toBe(500)
    expect(answered.body).not.toContain('Error')
    const page = await app.ask('/auth/bad-header', { headers: NAVIGATION })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const usual = (await app.ask('/auth/session')).headers
    for (const { headers } of [answered, page]) {
      for (const name of Object.keys(usual).filter(name => !/^(?:date|keep-alive|content-length|vary)$/.test(name)))
        expect(headers).toHaveProperty(name)
      expect(headers['x-request-id']).toMatch(/^\S{8,}$/)
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/)
    }
    expect(app.log.lines.filter(line => line.event === 'header_unsendable')).toHaveLength(2)
  })
})

describe('the log', () => {
  test('has one line per request: no query, no cookie', async () => {
    app = await startApp()
    await app.ask('/auth/session?code=canary', { headers: { cookie: 'porchlight-access=canary' } })
    await app.ask('/healthz')
    await expect.poll(() => app.log.lines.length).toBe(2)
    expect(app.log.lines[0]).toMatchObject({
      level: 'info',
      method: 'GET',
      path: '/auth/session',
      status: 200,
      family: 'auth',
    })
    expect(app.log.lines[1]).toMatchObject({ level: 'debug', path: '/healthz' })
    expect(JSON.stringify(app.log.lines)).not.toContain('canary')
  })
})

describe('the site', () => {
  const seen: { incoming: IncomingMessage; context: SiteContext }[] = []
  const withListener = (act: (context: SiteContext) => Promise<string>) =>
    startApp({
      site: {
        built: null,
        development: null,
        listener: async () => async (incoming, outgoing) => {
          const context = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext
          seen.push({ incoming, context })
          const body = await act(context)
          outgoing.end(body)
        },
      },
    })

  test('ASVS 3.4.3 HD-1 HD-2 gets a new nonce for each page, which the policy contains', async () => {
    app = await withListener(async ({ nonce }) => nonce)
    const [one, two] = await Promise.all([app.ask('/'), app.ask('/')])
    expect(one.body).not.toBe(two.body)
    expect(one.headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'nonce-${one.body}' 'strict-dynamic'; style-src-elem 'self' 'nonce-${one.body}'; style-src-attr 'unsafe-inline'; connect-src 'self'; img-src 'self'; manifest-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
  })

  test('ASVS 4.1.3 BBA-16 sees neither our cookies nor identity headers that a client forges', async () => {
    seen.length = 0
    app = await withListener(async () => '')
    await app.ask('/', {
      headers: {
        cookie: `${SIGNED_IN}; theme=dark; porchlight-refresh=r`,
        authorization: 'Bearer x',
        forwarded: 'for=1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-real-ip': '1.2.3.4',
        'x-porchlight-dev': '{}',
        'accept-language': 'zh',
      },
    })
    const { headers, rawHeaders } = seen[0]?.incoming as IncomingMessage
    expect(headers).toMatchObject({ cookie: 'theme=dark', 'accept-language': 'zh' })
    expect(Object.keys(headers).filter(name => /forwarded|authorization|real-ip|porchlight/.test(name))).toEqual([])
    expect(rawHeaders.join()).not.toMatch(/evil|Bearer|good/)
  })

  test('calls our routes in-process as its caller: the session is judged once', async () => {
    app = await withListener(async context =>
      (await context.fetch('/auth/session', { headers: { cookie: 'porchlight-access=ended' } })).text(),
    )
    const answered = await app.ask('/', { headers: { cookie: 'porchlight-access=due' } })
    expect(JSON.parse(answered.body)).toMatchObject({ user: ADA })
    expect(app.sessions.asked.length).toBe(1)
    expect(setCookies(answered)).toEqual(GRANT.cookies)
  })

  test('has server routes below /api if configured, with the same-origin rule for every change', async () => {
    const listener = async () => async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { session, answered } = (incoming as unknown as Record<symbol, SiteContext>)[
        Symbol.for(SITE_CONTEXT)
      ] as SiteContext
      const { rawBody } = incoming as { rawBody?: Buffer }
      outgoing.end(
        JSON.stringify({
          method: incoming.method,
          url: incoming.url,
          user: session.user,
          answered,
          got: rawBody?.toString() ?? null,
        }),
      )
    }
    const site = { built: null, development: null, listener }
    app = await startApp({ site, frontEnd: { ...OWN_SITE, serverRoutes: true } })
    const own = { origin: PUBLIC_URL, cookie: SIGNED_IN }
    const answered = ['/auth']
    expect((await app.ask('/api/weather?in=Lund', { headers: own })).json()).toEqual({
      method: 'GET',
      url: '/api/weather?in=Lund',
      user: ADA,
      answered,
      got: null,
    })
    expect((await app.ask('/api/weather', { method: 'POST', headers: own, body: 'rain' })).json()).toEqual({
      method: 'POST',
      url: '/api/weather',
      user: ADA,
      answered,
      got: 'rain',
    })
    expect(
      (await app.ask('/api/weather', { headers: { cookie: 'porchlight-access=due' } })).headers['cache-control'],
    ).toBe('private, no-store')
    expect(
      (
        await app.ask('/api/weather', {
          method: 'POST',
          headers: { ...own, origin: 'https://evil.example' },
          body: 'x',
        })
      ).status,
    ).toBe(403)
    expect(
      (await app.ask('/api/weather', { method: 'POST', headers: own, body: 'x'.repeat(1024 * 1024 + 1) })).status,
    ).toBe(413)
    expect((await app.ask('/api/a//b', { headers: own })).status).toBe(400)
    expect((await app.ask('/auth/weather', { headers: own })).status, 'what is ours stays ours').toBe(404)
    await app.close()

    app = await startApp({ site })
    expect((await app.ask('/api/weather', { headers: own })).json()).toMatchObject({ code: 'not_found' })
    expect((await app.ask('/account', { headers: own })).json()).toMatchObject({ answered: ['/auth', '/api'] })
  })

  test('HD-15 pages of two users that render concurrently are never mixed up', async () => {
    app = await withListener(async context => {
      await new Promise(resolve => setTimeout(resolve, 5))
      return (await context.fetch('/auth/session')).text()
    })
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const { body } = await app.ask('/', i % 2 === 0 ? { headers: { cookie: SIGNED_IN } } : {})
        return (JSON.parse(body) as { user: unknown }).user !== null
      }),
    )
    expect(answers).toEqual(answers.map((_, i) => i % 2 === 0))
  })

  test('CS-6 a page loaded with GET changes nothing, and reaches only our routes', async () => {
    app = await withListener(async context => {
      const post = await context.fetch('/auth/echo', { method: 'POST', body: 'x' })
      const page = await context.fetch('/account')
      const odd = await context.fetch('/auth/%2e%2e/x')
      return [post.status, page.status, odd.status].join()
    })
    expect((await app.ask('/', { headers: { cookie: SIGNED_IN } })).body).toBe('403,404,404')
  })

  test('shows once what a failed form kept, and HEAD leaves it alone', async () => {
    const kept = {
      page: '/sign-in',
      problem: new Problem('invalid_credentials').body('r'),
      fields: { email: 'ada@example.org' },
    }
    app = await startApp({
      openForm: async () => kept,
      site: {
        built: null,
        development: null,
        listener: async () => (incoming, outgoing) => {
          const { form } = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext
          outgoing.end(form?.fields.email ?? 'nothing')
        },
      },
    })
    const headers = { cookie: 'porchlight-form=sealed' }
    expect(setCookies(await app.ask('/sign-in', { method: 'HEAD', headers }))).toEqual([])
    const shown = await app.ask('/sign-in', { headers })
    expect([shown.body, setCookies(shown)]).toEqual([
      'ada@example.org',
      [expect.stringMatching(/^porchlight-form=; Max-Age=0;/)],
    ])
    expect(setCookies(await app.ask('/account', { headers }))).toEqual([])
  })

  test('sets preferences, and none of our cookies', async () => {
    app = await withListener(async context => {
      context.setCookie('language=zh-CN; Path=/')
      try {
        context.setCookie('porchlight-refresh=x')
        return 'set'
      } catch {
        return 'refused'
      }
    })
    const answered = await app.ask('/')
    expect(answered.body).toBe('refused')
    expect(setCookies(answered)).toEqual(['language=zh-CN; Path=/'])
  })
})

test('connections are kept alive, and closed while the server shuts down', async () => {
  let draining = false
  app = await startApp({ draining: () => draining })
  const agent = new Agent({ keepAlive: true })
  const kept = (await app.ask('/healthz', { agent })).headers
  expect(kept.connection).toBe('keep-alive')
  expect(
    Number(/timeout=(\d+)/.exec(String(kept['keep-alive']))?.[1]),
    'a proxy in front that keeps it for two minutes',
  ).toBeGreaterThan(120)
  draining = true
  expect((await app.ask('/healthz', { agent })).headers.connection).toBe('close')
  agent.destroy()
})
