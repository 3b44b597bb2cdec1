import { mkdtempSync, rmSync } from 'node:fs'
import { METHODS } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const cwd = mkdtempSync(join(tmpdir(), 'porchlight-config-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const load = async (...upstreams: object[]) =>
  (
    await loadConfig(
      {
        PORCHLIGHT_UPSTREAMS: JSON.stringify(
          upstreams.map((one, at) => ({ name: `api-${at}`, target: 'http://127.0.0.1:8000', ...one })),
        ),
      },
      cwd,
    )
  ).config.upstreams
const refused = async (upstream: object) => {
  const error = await load(upstream).catch((thrown: unknown) => thrown)
  return error instanceof OperatorError ? error.advice.join('\n') : null
}

test('additional headers to drop must be header names, at most a hundred', async () => {
  expect((await load({}))[0]?.dropHeaders).toEqual([])
  expect((await load({ dropHeaders: ['X-Employee-Number', 'X_Cost_Centre'] }))[0]?.dropHeaders).toEqual([
    'X-Employee-Number',
    'X_Cost_Centre',
  ])
  for (const wrong of [
    'X-Employee',
    [''],
    ['X Employee'],
    ['X-Employee:'],
    ['X-\n'],
    [7],
    ['x'.repeat(101)],
    Array.from({ length: 101 }, () => 'x'),
  ]) {
    expect(await refused({ dropHeaders: wrong })).toContain('names of headers')
  }
})

test('BBA-15 an upstream may only list methods that can reach it; others are refused at start', async () => {
  const known = METHODS.filter(method => method !== 'CONNECT' && method !== 'TRACE')
  expect((await load({ methods: known }))[0]?.methods).toEqual(known)
  for (const wrong of ['CONNECT', 'TRACE', 'get', 'BREW', 'PROPFIN', ''])
    expect(await refused({ methods: [wrong] })).toContain('HTTP methods in upper case')
})

test('a header for tokens needs a token, and one that is not bound to a scheme of its own', async () => {
  expect((await load({ tokenHeader: { name: 'Authorization', scheme: 'Token' } }))[0]?.tokenHeader).toEqual({
    name: 'Authorization',
    scheme: 'Token',
  })
  expect((await load({ tokenHeader: { name: 'Authorization', scheme: '' } }))[0]?.tokenHeader?.scheme).toBeNull()
  expect(await refused({ tokenHeader: { name: 'X-Token' }, token: 'none' })).toContain('tokenHeader only with a token')
  const bound = { id: 'work', kind: 'oidc', issuer: 'https://login.example.org', clientId: 'x', dpop: true }
  const upstream = { name: 'orders', target: 'http://127.0.0.1:8000', token: 'provider', tokenHeader: { name: 'X-T' } }
  await expect(
    loadConfig(
      { PORCHLIGHT_PROVIDERS: JSON.stringify([bound]), PORCHLIGHT_UPSTREAMS: JSON.stringify([upstream]) },
      cwd,
    ),
  ).rejects.toMatchObject({ advice: [expect.stringContaining('bound by DPoP')] })
})

test('a token has the type of RFC 9068 unless set otherwise, and only our own can be set', async () => {
  expect((await load({}, { tokenType: 'JWT' })).map(one => one.tokenType)).toEqual(['at+jwt', 'JWT'])
  expect(await refused({ tokenType: 'jwt' })).toContain('one of at+jwt, JWT')
  expect(await refused({ tokenType: 'JWT', token: 'none' })).toContain('tokenType only with our own token')
})

test('a token carries no personal data unless claims are listed, each known and once, and only our own can', async () => {
  expect((await load({}, { claims: ['email', 'name'] })).map(one => one.claims)).toEqual([[], ['email', 'name']])
  for (const wrong of [['e-mail'], ['email', 'email'], ['phone_number'], 'email', ['sub'], [null]])
    expect(await refused({ claims: wrong })).toContain('claims, each once: name, email, email_verified, locale')
  for (const token of ['none', 'provider'])
    expect(await refused({ claims: ['name'], token })).toContain('claims only with our own token')
})

test('the Host header names the target unless set otherwise', async () => {
  expect((await load({}, { host: 'public' })).map(one => one.host)).toEqual(['target', 'public'])
  expect(await refused({ host: 'evil.example' })).toContain('one of target, public')
})
