import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ADA,
  codeOf,
  fakeSessions,
  FROM_OUR_PAGE,
  GRANT,
  NAVIGATION,
  type Running,
  SESSION,
  setCookies,
  SIGNED_IN,
  startApp,
} from '../../tests/support/app.ts'
import type { PorchlightResponse } from '../http/response/server-response.ts'
import { testUpstream, testRelay } from '../relay/relay.testing.ts'
import { SITE_CONTEXT, type SiteContext } from '../contract/site-context.ts'

let app: Running
afterEach(() => app.close())

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
    expect(codeOf(answered)).toBe('cross_origin')
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
        acr: 'aal1',
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
      if (status === 401 && headers !== NAVIGATION) expect(codeOf(answered)).toBe('session_replaced')
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
    expect(codeOf(call)).toBe('duplicate_cookies')
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
