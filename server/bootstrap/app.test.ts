import { Agent } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { CONFIG, NAVIGATION, type Running, startApp } from '../../tests/support/app.ts'

let app: Running
afterEach(() => app.close())

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
