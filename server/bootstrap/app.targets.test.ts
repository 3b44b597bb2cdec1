import { afterEach, describe, expect, test } from 'vitest'
import {
  codeOf,
  CONFIG,
  FROM_OUR_PAGE,
  NAVIGATION,
  PUBLIC_URL,
  type Running,
  startApp,
} from '../../tests/support/app.ts'
import { Problem } from '../base/problem.ts'

let app: Running
afterEach(() => app.close())

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
  })

  test('UX-15 passkey endpoints and related origins are there where passkeys work, and 404 elsewhere', async () => {
    const paths = ['/.well-known/passkey-endpoints', '/.well-known/webauthn']
    app = await startApp({ config: { ...CONFIG, relatedOrigins: ['https://porch.example.net'] } })
    for (const path of paths) expect((await app.ask(path, { headers: NAVIGATION })).status).toBe(404)
    await app.close()
    app = await startApp({ passkeysOffered: true })
    expect((await app.ask('/.well-known/webauthn')).status, 'nobody to relate to').toBe(404)
    await app.close()
    app = await startApp({
      passkeysOffered: true,
      config: { ...CONFIG, relatedOrigins: ['https://porch.example.net', 'https://porch.example.de'] },
    })
    const [endpoints, related] = await Promise.all(paths.map(path => app.ask(path)))
    expect(endpoints?.headers['content-type']).toBe('application/json')
    expect(endpoints?.json()).toEqual({
      enroll: `${PUBLIC_URL}/account/security`,
      manage: `${PUBLIC_URL}/account/security`,
    })
    expect(related?.headers['content-type']).toBe('application/json')
    expect(related?.json()).toEqual({ origins: ['https://porch.example.net', 'https://porch.example.de'] })
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
    expect(codeOf(answered)).toBe('store_unavailable')
    expect((await app.ask('/healthz')).status).toBe(200)
  })
})
