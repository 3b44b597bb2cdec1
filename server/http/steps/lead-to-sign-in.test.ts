import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADA, PUBLIC_URL, type Running, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import { listen, testRelay, testUpstream } from '../../relay/relay.testing.ts'
import { createReturnPaths } from '../request/return-paths.ts'

const TYPED = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}
const FOLLOWED = { ...TYPED, 'sec-fetch-site': 'same-origin' }
const FETCHED = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }
/** Before Fetch Metadata, and on plain http in a local network. */
const OLD = { accept: 'text/html,*/*;q=0.8' }

let app: Running
let seen: string[] = []
const closing: (() => unknown)[] = []

beforeAll(async () => {
  const upstream = await listen((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end('a page')
  })
  const at = (changes: Partial<Upstream>) => testUpstream(upstream.origin, { document: true, ...changes })
  const signedIn = { signedIn: true, roles: [], maxAgeMs: null, acr: null }
  const upstreams = [
    at({ name: 'desk', prefix: '/api/desk' }),
    at({ name: 'tool', prefix: '/tool', encodedPaths: true }),
    at({ name: 'open', prefix: '/open', requires: { ...signedIn, signedIn: false } }),
    at({ name: 'admin', prefix: '/admin', requires: { ...signedIn, roles: ['admin'] } }),
    at({ name: 'recent', prefix: '/recent', requires: { ...signedIn, maxAgeMs: 60_000 } }),
    at({ name: 'reading', prefix: '/reading', methods: ['GET', 'HEAD'] }),
    at({ name: 'club', prefix: '/club', token: 'provider', provider: 'club' }),
    at({ name: 'token-api', prefix: '/token-api', token: 'provider', provider: 'token-api' }),
    at({ name: 'broken', prefix: '/broken', target: { origin: 'http://127.0.0.1:1', basePath: '' } }),
    at({ name: 'orders', prefix: '/api/orders', document: false }),
  ]
  const relay = testRelay(upstreams)
  app = await startApp({
    relay,
    findUser: async () => ({ ...ADA, roles: ['user'], emailVerified: false, secondFactorAt: null }),
    returnPaths: createReturnPaths(relay.match),
  })
  closing.push(upstream.close, () => relay.close(), app.close)
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

const where = async (path: string, headers: Record<string, string> = TYPED, method = 'GET') => {
  seen = []
  const { status, headers: sent, body } = await app.ask(path, { method, headers })
  expect(seen.length, 'calls that reached the upstream').toBe(status === 200 ? 1 : 0)
  return { status, to: sent.location, type: String(sent['content-type'] ?? ''), sent, body }
}
const signInFor = (returnTo: string) => `/sign-in?${new URLSearchParams({ returnTo }).toString()}`

describe('RFC 9110 §15.4.4 a protected page', () => {
  test.each([
    ['/tool', '/tool'],
    ['/tool/', '/tool/'],
    ['/tool/a%20b?q=1&returnTo=//evil.example', '/tool/a%20b?q=1&returnTo=//evil.example'],
    ['/api/desk/lab?reset#', '/api/desk/lab?reset#'],
    ['/admin/x', '/admin/x'],
    ['/recent/x', '/recent/x'],
    // The sign-in page could not lead to these themselves.
    [`/tool/x?${'q'.repeat(3000)}`, '/tool/x'],
    [`/tool/${'x'.repeat(3000)}`, '/tool/'],
    ['/tool/a%2f%2fb', '/tool/'],
    ['/tool/a%5cb', '/tool/'],
  ])('%s leads somebody who is not signed in to the sign-in page, and back to %s', async (path, back) => {
    for (const headers of [TYPED, FOLLOWED, OLD]) {
      const { status, to, sent } = await where(path.replace(/#$/, ''), headers)
      expect([status, to]).toEqual([303, signInFor(back.replace(/#$/, ''))])
      expect(sent['cache-control']).toBe('private, no-store')
    }
  })

  test('HEAD is answered as GET is (RFC 9110 §9.3.2)', async () => {
    expect(await where('/tool/x', TYPED, 'HEAD')).toMatchObject({ status: 303, to: signInFor('/tool/x'), body: '' })
  })

  test('a session that has ended leads there, too, and keeps its cookies, which tell the page why', async () => {
    const { status, to, sent } = await where('/tool/', { ...TYPED, cookie: 'porchlight-access=ended' })
    expect([status, to, sent['set-cookie']]).toEqual([303, signInFor('/tool/'), undefined])
  })

  test('somebody who is signed in gets it', async () => {
    expect(await where('/tool/x?y', { ...TYPED, cookie: SIGNED_IN })).toMatchObject({ status: 200, body: 'a page' })
    expect(seen).toEqual(['GET /x?y'])
    expect((await where('/open/x')).status).toBe(200)
  })

  test.each([
    ['a script', '/tool/x', FETCHED],
    ['a script without Fetch Metadata', '/tool/x', { accept: '*/*' }],
    ['a script that asks for HTML', '/tool/x', { ...FETCHED, accept: 'text/html' }],
    ['an image', '/tool/x', { accept: 'image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['jQuery, on plain http', '/tool/x', { accept: 'text/html, */*; q=0.01', 'x-requested-with': 'XMLHttpRequest' }],
  ])('%s gets 401 as problem+json', async (_what, path, headers) => {
    const { status, type, to, body } = await where(path, headers)
    expect([status, type, to]).toEqual([401, 'application/problem+json', undefined])
    expect(JSON.parse(body)).toMatchObject({ code: 'not_signed_in' })
  })

  test('a page that is fetched ahead gets 401, so that the browser asks again when it is wanted', async () => {
    for (const purpose of ['prefetch', 'prefetch;prerender'])
      expect((await where('/tool/x', { ...FOLLOWED, 'sec-purpose': purpose })).status).toBe(401)
  })

  test('an upstream that serves no pages answers 401, with a link that leads to no API', async () => {
    const { status, to, body } = await where('/api/orders/7')
    expect([status, to]).toEqual([401, undefined])
    expect(body).toContain('<a href="/sign-in">')
    expect((await where('/api/orders/7', FETCHED)).type).toBe('application/problem+json')
  })

  test('a method that it does not take is told before anything else', async () => {
    expect((await where('/reading/x', { ...FOLLOWED, origin: PUBLIC_URL }, 'POST')).status).toBe(405)
  })
})

describe('what a redirect would destroy', () => {
  test('a frame shows a link for the page around it, which may only be one of this site', async () => {
    const framed = { ...FOLLOWED, 'sec-fetch-dest': 'iframe', referer: `${PUBLIC_URL}/tool/board?id=7` }
    const { status, to, body, sent } = await where('/tool/panel', framed)
    expect([status, to]).toEqual([401, undefined])
    expect(body).toContain(`<a href="${signInFor('/tool/board?id=7')}" target="_top">Sign in</a>`)
    expect(sent['content-security-policy']).toContain("frame-ancestors 'self'")
    const strange = await where('/tool/panel', { ...framed, referer: 'https://evil.example/tool/board' })
    expect(strange.body).toContain(`<a href="${signInFor('/tool/panel')}" target="_top">`)
  })

  test('a form is not sent on without its fields: its page says that nothing was done, and signs in beside it', async () => {
    const posted = { ...FOLLOWED, origin: PUBLIC_URL, referer: `${PUBLIC_URL}/tool/edit/7` }
    const { status, to, body, sent } = await where('/tool/save', posted, 'POST')
    expect([status, to]).toEqual([401, undefined])
    expect(body).toContain(`<a href="${signInFor('/tool/edit/7')}" target="_blank">Sign in</a>`)
    expect(body).toContain('was not processed')
    expect(sent['content-security-policy']).toContain("frame-ancestors 'none'")
    // Without the page that had the form, the upstream's own first page.
    const blind = await where('/tool/save', { ...posted, referer: `${PUBLIC_URL}/sign-in` }, 'POST')
    expect(blind.body).toContain(`href="${signInFor('/tool/')}"`)
    const chinese = await where('/tool/save', { ...posted, 'accept-language': 'zh-CN' }, 'POST')
    expect(chinese.body).toContain('登录</a>')
  })
})

describe('somebody who is signed in, but not enough', () => {
  const cookie = SIGNED_IN

  test.each([
    ['club', '/auth/login/club?reauthenticate=1&returnTo=%2Fclub%2Fx', 'Continue with the provider'],
    ['token-api', '/reauthenticate?returnTo=%2Ftoken-api%2Fx', 'Confirm'],
  ])('an upstream that needs a token of %s says where to get it, and only then', async (provider, href, label) => {
    const { status, to, body } = await where(`/${provider}/x`, { ...TYPED, cookie })
    expect([status, to]).toEqual([401, undefined])
    expect(body.replaceAll('&#38;', '&')).toContain(`<a href="${href}">${label}</a>`)
    expect((await where('/broken/x', { ...TYPED, cookie })).body).not.toContain('<a ')
  })

  test('a role that is lacking is no reason to sign in: 403 with the way to the account, and never a redirect', async () => {
    const { status, to, body } = await where('/admin/x', { ...TYPED, cookie })
    expect([status, to]).toEqual([403, undefined])
    expect(body).toContain(`<a href="/account">Your account: <bdi>${ADA.email}</bdi></a>`)
    const script = await where('/admin/x', { ...FETCHED, cookie })
    expect([script.status, JSON.parse(script.body)]).toMatchObject([403, { code: 'forbidden' }])
  })

  test('RFC 9470 §3 a sign-in too long ago leads to the page that confirms it', async () => {
    const { status, to } = await where('/recent/x?y=1', { ...TYPED, cookie })
    expect([status, to]).toEqual([303, '/reauthenticate?returnTo=%2Frecent%2Fx%3Fy%3D1'])
    const posted = await where('/recent/x', { ...FOLLOWED, origin: PUBLIC_URL, cookie }, 'POST')
    expect(posted.body).toContain('<a href="/reauthenticate?returnTo=%2Frecent%2F" target="_blank">Confirm</a>')
    const script = await where('/recent/x', { ...FETCHED, cookie })
    expect(script.sent['www-authenticate']).toBe('Bearer error="insufficient_user_authentication", max_age="60"')
  })
})
