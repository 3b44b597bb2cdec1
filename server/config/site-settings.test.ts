import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'
import { OWN_SITE } from './site-settings.ts'

const CWD = '/nowhere/project'
const load = async (site: unknown, env: Record<string, string> = {}) =>
  (await loadConfig({ PORCHLIGHT_SITE: typeof site === 'string' ? site : JSON.stringify(site), ...env }, CWD)).config
    .site
async function problem(site: unknown, env: Record<string, string> = {}): Promise<string> {
  const error: unknown = await load(site, env).then(
    () => null,
    (error: unknown) => error,
  )
  if (error instanceof OperatorError) return error.advice.join('\n').trim()
  throw error ?? new Error('nothing was refused')
}

describe('the setting site', () => {
  test('is our own pages by default, and the report says so', async () => {
    const { config, report } = await loadConfig({}, CWD)
    expect(config.site).toEqual(OWN_SITE)
    expect(report.find(line => line.key === 'site')).toMatchObject({
      variable: 'PORCHLIGHT_SITE',
      value: 'the built-in pages',
      from: 'default',
    })
  })

  test('may add server routes below /api to our own pages', async () => {
    expect(await load({ serverRoutes: true })).toEqual({ ...OWN_SITE, serverRoutes: true })
    expect(await load({ serverRoutes: false })).toEqual(OWN_SITE)
  })

  test('resolves a folder relative to the file that names it', async () => {
    expect(await load({ static: 'shop/dist' })).toEqual({
      kind: 'static',
      folder: join(CWD, 'shop/dist'),
      sourceMaps: false,
      policy: null,
      headers: [],
    })
    expect(await load({ static: '/srv/shop', sourceMaps: true, policy: "script-src 'self'" })).toMatchObject({
      folder: '/srv/shop',
      sourceMaps: true,
      policy: "script-src 'self'",
    })
  })

  test('as an upstream gets no token, requires no sign-in and may redirect to the public URL', async () => {
    const site = await load({ upstream: 'http://127.0.0.1:5173', redirectOrigins: ['https://login.example.org'] })
    expect(site).toMatchObject({
      kind: 'upstream',
      policy: null,
      upstream: {
        prefix: '',
        target: { origin: 'http://127.0.0.1:5173', basePath: '' },
        token: 'none',
        requires: { signedIn: false, roles: [], maxAgeMs: null, acr: null },
        websocket: true,
        document: true,
        cookies: true,
        redirectOrigins: ['http://localhost:3000', 'https://login.example.org'],
      },
    })
  })

  test.each([
    ['server routes of built files', { static: 'dist', serverRoutes: true }, 'serverRoutes only without static'],
    ['source maps of our own pages', { serverRoutes: true, sourceMaps: true }, 'sourceMaps only with static'],
    [
      'redirects of our own pages',
      { serverRoutes: true, redirectOrigins: ['https://login.example.org'] },
      'redirectOrigins only with upstream',
    ],
    ['a token for built files', { static: 'dist', token: 'porchlight' }, 'only with upstream'],
    ['a role that our own pages require', { requires: { roles: ['admin'] } }, 'only with upstream'],
    [
      'an audience without a token',
      { upstream: 'http://127.0.0.1:5173', audience: 'shop' },
      "only with token: 'porchlight'",
    ],
    ["a provider's token", { upstream: 'http://127.0.0.1:5173', token: 'provider' }, 'porchlight or none'],
    [
      'a misspelt requirement',
      { upstream: 'http://127.0.0.1:5173', requires: { role: ['admin'] } },
      '.requires.role: ',
    ],
    ['neither of the two', {}, 'at most one of { static'],
    ['both of them', { static: 'dist', upstream: 'http://127.0.0.1:5173' }, 'at most one of { static'],
    ['something else', 'dist', 'PORCHLIGHT_SITE: got "dist"; expected at most one of { static'],
    [
      'an unknown field',
      { static: 'dist', fallback: true },
      'PORCHLIGHT_SITE.fallback: got "fallback"; expected no such field here',
    ],
    [
      'a path in the address',
      { upstream: 'http://127.0.0.1:5173/app' },
      'PORCHLIGHT_SITE.upstream: got "http://127.0.0.1:5173/app"; expected an address like',
    ],
    ['another scheme', { upstream: 'file:///srv/shop' }, 'http or https'],
    [
      'a policy of two lines',
      { static: 'dist', policy: 'script-src *\r\nSet-Cookie: a=b' },
      'a Content-Security-Policy in one line',
    ],
    [
      'source maps of an upstream',
      { upstream: 'http://127.0.0.1:5173', sourceMaps: true },
      'sourceMaps only with static',
    ],
    ['ourselves behind us', { upstream: 'http://localhost:3000' }, 'an address other than PORCHLIGHT_PUBLIC_URL'],
  ])('refuses %s', async (_name, site, words) => {
    expect(await problem(site)).toContain(words)
  })

  test('as an upstream may get a token of its own, be for some only, and answer the rest of /api', async () => {
    const site = await load({
      upstream: 'http://127.0.0.1:5173',
      token: 'porchlight',
      requires: { signedIn: true, roles: ['admin'], maxAge: 60 },
      serverRoutes: true,
      host: 'public',
    })
    expect(site).toMatchObject({
      kind: 'upstream',
      serverRoutes: true,
      upstream: {
        token: 'porchlight',
        audience: 'site',
        requires: { signedIn: true, roles: ['admin'], maxAgeMs: 60_000, acr: null },
        host: 'public',
        streamMaxMs: 3_600_000,
      },
    })
    const named = { upstream: 'http://127.0.0.1:5173', token: 'porchlight', audience: 'shop', claims: ['email'] }
    expect(await load(named)).toMatchObject({
      upstream: { audience: 'shop', claims: ['email'], requires: { signedIn: false } },
    })
    const upstreams = JSON.stringify([{ name: 'shop', target: 'http://127.0.0.1:8000' }])
    expect(await problem(named, { PORCHLIGHT_UPSTREAMS: upstreams })).toContain('an audience other than that of "shop"')
  })

  test('takes a policy and headers in every mode, also alone', async () => {
    const policy = { 'img-src': ['https://tiles.example'], 'connect-src': ['wss:', 'https://*.example:8443/v1/'] }
    const headers = {
      permissionsPolicy: 'geolocation=(self "https://a.example"), camera=*',
      referrerPolicy: 'no-referrer',
    }
    for (const mode of [{}, { static: 'dist' }, { upstream: 'http://127.0.0.1:5173' }, { serverRoutes: true }]) {
      expect(await load({ ...mode, policy, headers })).toMatchObject({
        policy,
        headers: [
          { name: 'Permissions-Policy', value: headers.permissionsPolicy },
          { name: 'Referrer-Policy', value: 'no-referrer' },
        ],
      })
    }
    expect(await load({ headers: { permissionsPolicy: '' } })).toMatchObject({
      kind: 'own',
      headers: [{ name: 'Permissions-Policy', value: '' }],
    })
    expect(await load({ policy: "default-src 'self'; script-src {scripts}" })).toMatchObject({ kind: 'own' })
  })

  const adding = (directive: string, ...sources: unknown[]) => ({ static: 'dist', policy: { [directive]: sources } })
  test.each<[string, object, string]>([
    [
      'an unknown directive',
      adding('image-src', 'https://a.example'),
      '.policy.image-src: got "image-src"; expected a directive of Content-Security-Policy: child-src',
    ],
    [
      'more who may frame the page',
      adding('frame-ancestors', 'https://a.example'),
      'can only be changed by a whole policy',
    ],
    ['another base', adding('base-uri', "'self'"), 'can only be changed by a whole policy'],
    ['sources of everything', adding('default-src', 'https:'), 'can only be changed by a whole policy'],
    ['two sources in one', adding('img-src', 'https://a.example https://b.example'), 'without a space'],
    [
      'another directive in a source',
      adding('img-src', 'https://a.example;script-src'),
      'without a space, comma or semicolon',
    ],
    [
      'another policy in a source',
      adding('img-src', 'https://a.example,script-src'),
      'without a space, comma or semicolon',
    ],
    ['two lines', adding('img-src', 'https://a.example\nx'), 'without a space'],
    ['nothing beside something', adding('img-src', "'none'", 'https://a.example'), "'none' adds nothing"],
    ['a keyword without quotes', adding('img-src', 'self'), "a keyword in quotes, such as 'self'"],
    ['a nonce that never changes', adding('script-src', "'nonce-abc'"), 'a fixed nonce is known to attackers'],
    ['trust that takes all other away', adding('script-src', "'strict-dynamic'"), "'strict-dynamic' would block"],
    ['a host beyond ASCII', adding('img-src', 'https://bücher.example'), 'one source'],
    ['no sources', adding('img-src'), 'a list of 1 to 50 sources'],
    [
      'one source without a list',
      { static: 'dist', policy: { 'img-src': 'https://a.example' } },
      'a list of 1 to 50 sources',
    ],
    ['a number', adding('img-src', 7), 'one source of at most 200 characters'],
    ['a list of policies', { static: 'dist', policy: ['img-src *'] }, 'in one line'],
    [
      'an unknown directive in a whole policy',
      { static: 'dist', policy: "default-src 'self'; image-src *" },
      'and not image-src',
    ],
    [
      'a policy by which none of our scripts would run',
      { policy: "default-src 'self'" },
      'expected a policy with {scripts}',
    ],
    [
      'a script of another host beside nonces',
      { policy: { 'script-src': ['https://a.example'] } },
      'script sources other than https://a.example',
    ],
    [
      'nonces of a front end',
      { upstream: 'http://127.0.0.1:5173', policy: 'script-src {scripts}' },
      'only the front end knows',
    ],
    [
      'an unknown header',
      { headers: { xFrameOptions: 'DENY' } },
      '.headers.xFrameOptions: got "xFrameOptions"; expected no such field here',
    ],
    [
      'a header of two lines',
      { headers: { permissionsPolicy: 'camera=()\r\nSet-Cookie: a=b' } },
      'features and who may use them',
    ],
    ["Feature-Policy's syntax", { headers: { permissionsPolicy: "camera 'self'" } }, 'features and who may use them'],
    [
      'an unknown value',
      { headers: { crossOriginOpenerPolicy: 'sameorigin' } },
      'one of same-origin, same-origin-allow-popups',
    ],
  ])('refuses %s', async (_name, site, words) => {
    expect(await problem(site)).toContain(words)
  })

  test('never shows a password that is part of an address', async () => {
    expect(await problem({ static: 'dist', upstream: 'http://me:hunter2@127.0.0.1:5173' })).not.toContain('hunter2')
  })
})
