import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

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
    expect(config.site).toEqual({ kind: 'own', serverRoutes: false })
    expect(report.find(line => line.key === 'site')).toMatchObject({
      variable: 'PORCHLIGHT_SITE',
      value: 'the built-in pages',
      from: 'default',
    })
  })

  test('may add server routes below /api to our own pages', async () => {
    expect(await load({ serverRoutes: true })).toEqual({ kind: 'own', serverRoutes: true })
    expect(await load({ serverRoutes: false })).toEqual({ kind: 'own', serverRoutes: false })
  })

  test('resolves a folder relative to the file that names it', async () => {
    expect(await load({ static: 'shop/dist' })).toEqual({
      kind: 'static',
      folder: join(CWD, 'shop/dist'),
      sourceMaps: false,
      policy: null,
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
        requires: { signedIn: false, roles: [], maxAgeMs: null },
        websocket: true,
        document: true,
        cookies: true,
        redirectOrigins: ['http://localhost:3000', 'https://login.example.org'],
      },
    })
  })

  test.each([
    ['server routes beside a front end', { static: 'dist', serverRoutes: true }, 'either { static'],
    [
      'a policy for our own pages',
      { serverRoutes: true, policy: 'script-src *' },
      'policy only with static or upstream',
    ],
    ['source maps of our own pages', { serverRoutes: true, sourceMaps: true }, 'sourceMaps only with static'],
    [
      'redirects of our own pages',
      { serverRoutes: true, redirectOrigins: ['https://login.example.org'] },
      'redirectOrigins only with upstream',
    ],
    ['neither of the two', {}, 'either { static'],
    ['both of them', { static: 'dist', upstream: 'http://127.0.0.1:5173' }, 'either { static'],
    ['something else', 'dist', 'PORCHLIGHT_SITE: got "dist"; expected either { static'],
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

  test('never shows a password that is part of an address', async () => {
    expect(await problem({ static: 'dist', upstream: 'http://me:hunter2@127.0.0.1:5173' })).not.toContain('hunter2')
  })
})
