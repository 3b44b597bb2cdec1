import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Change,
  CLIENT,
  type HostileProvider,
  json,
  startHostileProvider,
} from '../../tests/support/hostile-provider.ts'
import { systemClock } from '../base/clock.ts'
import type { ProviderSetting } from '../config/provider-settings.ts'
import { toProviders } from '../config/resolve-providers.ts'
import type { Finding } from './finding.ts'
import { examineClientKeys, examineProviders } from './provider-doctor.ts'

let hostile: HostileProvider
beforeEach(async () => {
  hostile = await startHostileProvider()
})
afterEach(() => hostile.stop())

const show = (findings: Finding[]) => findings.map(({ state, what }) => `${state}: ${what}`)
const configured = (more: Partial<ProviderSetting> = {}) => ({
  publicUrl: 'https://porch.example',
  providers: toProviders([{ id: 'main', kind: 'oidc', issuer: hostile.issuer, ...CLIENT, ...more }], [], {
    env: {},
    folder: '/',
    nameOf: (_, field) => field,
  }),
})
const examine = async (change: Change, more: Partial<ProviderSetting> = {}) => {
  hostile.change = change
  return show(await examineProviders(configured(more), systemClock))
}
const PUSHING: Change = {
  metadata: metadata => (metadata['pushed_authorization_request_endpoint'] = `${String(metadata['issuer'])}/par`),
}
const refuse =
  (status: number, error: string, description: string): NonNullable<Change['instead']>[string] =>
  (_, response) =>
    json(response, status, { error, error_description: description })

describe('the doctor checks each provider', () => {
  test('the doctor finds nothing wrong with a good provider', async () => {
    expect(await examine({})).toEqual([
      `ok: Provider main: found at ${hostile.issuer}`,
      'ok: Provider main: one key for verifying signatures',
      'ok: Provider main: it accepts this site and its credentials',
      'ok: Provider main: register exactly this redirect URI, which cannot be checked from here: https://porch.example/auth/callback/main',
    ])
    expect(hostile.tokenCalls.map(({ fields }) => fields.get('redirect_uri'))).toEqual([
      'https://porch.example/auth/callback/main',
    ])
  })

  test('by a pushed request if supported, which also checks the redirect URI', async () => {
    expect(await examine(PUSHING)).toContain(
      'ok: Provider main: it accepts this site, its credentials and the redirect URI',
    )
    expect(hostile.tokenCalls).toEqual([])
  })

  test.each<[string, Change, Partial<ProviderSetting>, RegExp]>([
    [
      'a discovery document of another issuer',
      { metadata: metadata => (metadata['issuer'] = 'https://other.example') },
      {},
      /^fail: Provider main cannot be used: .*expected http.*, got https:\/\/other\.example/,
    ],
    [
      'no discovery document',
      { instead: { '/.well-known/openid-configuration': (_, response) => response.writeHead(404).end() } },
      {},
      /^fail: Provider main cannot be used: GET http.*openid-configuration · 404/,
    ],
    [
      'keys that are not there',
      { instead: { '/jwks': (_, response) => response.writeHead(404).end() } },
      {},
      /^fail: Provider main: GET .*\/jwks · 404/,
    ],
    ['no keys', { keys: keys => keys.splice(0) }, {}, /^fail: Provider main: it publishes no signing key/],
    [
      'keys for something else',
      { keys: keys => keys.forEach(key => Object.assign(key, { use: 'enc' })) },
      {},
      /^fail: Provider main: it publishes no signing key/,
    ],
    [
      'a wrong secret',
      {},
      { clientSecret: 'another-secret-of-nobody' },
      /^fail: Provider main does not accept this site's credentials: POST .*\/token · 401 · invalid_client/,
    ],
    [
      'a wrong secret, told to a pushed request',
      { ...PUSHING, instead: { '/par': refuse(401, 'invalid_client', 'who?') } },
      {},
      /^fail: Provider main does not accept .*\/par · 401 · invalid_client · who\?/,
    ],
    [
      'a redirect address that is not registered',
      { ...PUSHING, instead: { '/par': refuse(400, 'invalid_request', 'redirect_uri is not registered') } },
      {},
      /^fail: Provider main refuses to start a sign-in: .*invalid_request · redirect_uri is not registered/,
    ],
    [
      'what cannot be told',
      { instead: { '/token': refuse(400, 'invalid_request', 'something') } },
      {},
      /^warn: .*could not be checked: .*invalid_request · something/,
    ],
    [
      'tokens for a made-up code',
      { instead: { '/token': (_, response) => json(response, 200, { access_token: 'x', token_type: 'Bearer' }) } },
      {},
      /^warn: .*a made-up code/,
    ],
  ])('the doctor names %s', async (_what, change, more, words) => {
    expect((await examine(change, more)).filter(line => !line.startsWith('ok'))).toEqual([expect.stringMatching(words)])
  })

  test('the doctor reports that a provider is down', async () => {
    await hostile.stop()
    expect(await examine({})).toEqual([
      expect.stringMatching(/^fail: Provider main cannot be used: GET .* · ECONNREFUSED/),
    ])
    await hostile.start()
  })

  test('ASVS 16.2.5 and reveals no secret', async () => {
    const quoting: Change = {
      instead: {
        '/token': (request, response) =>
          json(response, 400, {
            error: 'odd',
            error_description: `not ${CLIENT.clientSecret} nor ${request.headers.authorization}`,
          }),
      },
    }
    const lines = (await examine(quoting)).join('\n')
    expect(lines).toContain('not [secret]')
    expect(lines).not.toContain(CLIENT.clientSecret)
  })
})

describe('config check', () => {
  const { clientId } = CLIENT
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  const check = async (listed: string[]) => {
    hostile.change = { metadata: metadata => (metadata['token_endpoint_auth_signing_alg_values_supported'] = listed) }
    const providers = toProviders(
      [
        { id: 'main', kind: 'oidc', issuer: hostile.issuer, clientId, privateKey: key },
        { id: 'other', kind: 'oidc', issuer: 'https://x.invalid', clientId },
      ],
      [],
      { env: {}, folder: '/', nameOf: (_, field) => field },
    )
    return show(await examineClientKeys({ providers }, systemClock))
  }

  test('checks private keys against their providers, and calls no others', async () => {
    expect(await check(['PS256'])).toEqual(['ok: Provider main: its privateKey supports an algorithm of the provider'])
    expect(await check(['ES256', 'EdDSA'])).toEqual([
      expect.stringMatching(
        /^fail: Provider main: the private key supports none of .* RS256, PS256.*; the provider lists ES256, EdDSA$/,
      ),
    ])
    await hostile.stop()
    expect(await check([])).toEqual([expect.stringMatching(/^warn: Provider main: .*could not be checked/)])
    await hostile.start()
  })
})
