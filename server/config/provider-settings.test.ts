import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'
import { type Preset, PRESET_NAMES, PRESETS } from './presets.ts'
import type { Provider } from './provider-config.ts'
import { ProviderSetting } from './provider-settings.ts'

const SECRET = 'a-secret-that-nobody-may-see'
const MAIN = { id: 'main', kind: 'oidc', issuer: 'https://main.example/realms/a', clientId: 'porch' }
const PLAIN = {
  id: 'plain',
  kind: 'oauth2',
  authorizationEndpoint: 'https://plain.example/a',
  tokenEndpoint: 'https://plain.example/t',
  userInfoEndpoint: 'https://api.plain.example/me',
  fields: { subject: 'id' },
  clientId: 'porch',
  clientSecret: SECRET,
}

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'porchlight-providers-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const load = (providers: unknown, env: Record<string, string> = {}) =>
  loadConfig({ PORCHLIGHT_PROVIDERS: JSON.stringify(providers), ...env }, cwd)
const one = async (provider: unknown, env: Record<string, string> = {}): Promise<Provider> =>
  (await load([provider], env)).config.providers[0] as Provider
async function problems(providers: unknown, env: Record<string, string> = {}): Promise<string[]> {
  const error: unknown = await load(providers, env).then(
    () => null,
    (error: unknown) => error,
  )
  if (!(error instanceof OperatorError)) throw error ?? new Error('nothing was refused')
  return error.advice.map(line => line.trim())
}

describe('a provider', () => {
  test('may pin an algorithm and set how often its users are rechecked', async () => {
    expect(await one({ ...MAIN, idTokenAlg: 'ES256', recheckSeconds: 60 })).toMatchObject({
      idTokenAlg: 'ES256',
      recheckMs: 60_000,
    })
    await expect(load([{ ...MAIN, idTokenAlg: 'HS256' }])).rejects.toThrow()
    await expect(load([{ ...MAIN, recheckSeconds: -1 }])).rejects.toThrow()
    expect((await load([MAIN], { PORCHLIGHT_RECHECK_SECONDS: '5' })).config.recheckMs).toBe(5000)
  })

  test('requires few settings and has defaults for the rest', async () => {
    expect(await one(MAIN)).toEqual({
      id: 'main',
      kind: 'oidc',
      name: 'main',
      icon: 'log-in',
      secondFactor: 'ask',
      issuer: 'https://main.example/realms/a',
      formerIssuers: [],
      endpoints: null,
      fields: { subject: 'sub', name: null, email: null, emailVerified: null },
      userInfo: true,
      clientId: 'porch',
      clientSecret: null,
      privateKey: null,
      clientAuth: 'none',
      scopes: ['openid', 'profile', 'email'],
      dpop: false,
      parameters: {},
      roles: null,
      register: null,
      logout: 'link',
      recheckMs: null,
      idTokenAlg: null,
      clockToleranceSeconds: 120,
    })
  })

  test('of kind oauth2 is identified by its authorization endpoint, unless it has an issuer', async () => {
    const { endpoints, issuer, clientAuth } = await one(PLAIN)
    expect({ endpoints, issuer, clientAuth }).toEqual({
      endpoints: {
        authorization: 'https://plain.example/a',
        token: 'https://plain.example/t',
        userInfo: 'https://api.plain.example/me',
        emails: null,
        revocation: null,
      },
      issuer: 'https://plain.example#plain',
      clientAuth: 'client_secret_basic',
    })
    expect((await one({ ...PLAIN, issuer: 'https://plain.example' })).issuer).toBe('https://plain.example')
  })

  test('has its secret in the setting, in a variable or in a file', async () => {
    writeFileSync(join(cwd, 'secret'), `${SECRET}\n`)
    const secrets = [SECRET, { env: 'MAIN_SECRET' }, { file: 'secret' }]
    for (const clientSecret of secrets)
      expect((await one({ ...MAIN, clientSecret }, { MAIN_SECRET: SECRET })).clientSecret?.reveal()).toBe(SECRET)
  })

  test.each([
    ['ec', { namedCurve: 'P-256' }],
    ['ec', { namedCurve: 'P-384' }],
    ['ec', { namedCurve: 'P-521' }],
    ['rsa', { modulusLength: 2048 }],
    ['ed25519', {}],
  ] as const)('may have a private key instead: %s, as PEM and as a JWK', async (type, options) => {
    const { privateKey: key } = generateKeyPairSync(type as 'ec', options as { namedCurve: string })
    const texts = [
      key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      JSON.stringify(key.export({ format: 'jwk' })),
    ]
    for (const privateKey of texts) expect((await one({ ...MAIN, privateKey })).clientAuth).toBe('private_key_jwt')
  })

  test('OI-7 may list former issuers, which must be no current issuer and appear in one entry only', async () => {
    const formerIssuers = ['https://old.example', 'https://plain.example#old']
    expect((await one({ ...MAIN, formerIssuers })).formerIssuers).toEqual(formerIssuers)
    const other = { ...PLAIN, id: 'other' }
    for (const wrong of [
      [{ ...MAIN, formerIssuers: [MAIN.issuer] }],
      [{ ...MAIN, formerIssuers: ['https://plain.example#other'] }, other],
      [
        { ...MAIN, formerIssuers },
        { ...other, formerIssuers: [formerIssuers[0]] },
      ],
      [{ ...MAIN, formerIssuers: ['x', 'x'] }],
    ]) {
      expect(await problems(wrong)).toEqual([
        expect.stringContaining("formerIssuers that are no provider's current issuer, each in one entry"),
      ])
    }
  })

  test('maps roles from text, numbers and booleans, and from a text that is split where the setting says so', async () => {
    expect((await one({ ...MAIN, roles: { claim: 'level', admin: [3, true, 'boss'], user: [0] } })).roles).toEqual({
      claim: 'level',
      separator: null,
      admin: ['3', 'true', 'boss'],
      user: ['0'],
    })
    expect((await one({ ...MAIN, roles: { claim: 'scope', separator: ' ', admin: ['admin'] } })).roles).toEqual({
      claim: 'scope',
      separator: ' ',
      admin: ['admin'],
      user: null,
    })
    for (const [roles, field] of [
      [{ claim: 'level', admin: [0.5] }, 'roles.admin[0]'],
      [{ claim: 'level', admin: [{ name: 'boss' }] }, 'roles.admin[0]'],
      [{ claim: 'scope', separator: 'and', admin: ['admin'] }, 'roles.separator'],
      [{ claim: 'scope', separator: ',', admin: ['a,b'] }, 'roles'],
    ] as const)
      expect((await problems([{ ...MAIN, roles }])).join()).toContain(`[0].${field}:`)
  })

  test('on loopback may use plain http', async () => {
    expect((await one({ ...MAIN, issuer: 'http://127.0.0.1:9000' })).issuer).toBe('http://127.0.0.1:9000')
    expect(await problems([{ ...MAIN, issuer: 'http://main.example' }])).toEqual([
      expect.stringMatching(
        /^PORCHLIGHT_PROVIDERS\[0\]\.issuer: got "http:\/\/main\.example"; expected an https address/,
      ),
    ])
  })
})

describe('problems of a provider setting:', () => {
  test('all are reported at once, each with its position', async () => {
    const found = await problems([
      {
        id: 'Bad Id',
        kind: 'saml',
        clientId: '',
        scopes: ['a b'],
        clockToleranceSeconds: 301,
        parameters: { state: 'x' },
        logout: 'sometimes',
        register: 'maybe',
        roles: { admin: ['x'] },
        fields: { name: 'a..b' },
      },
      { id: 'second', kind: 'oidc', issuer: 'ftp://x', clientId: 'x', clientSecrets: SECRET },
    ])
    const places = [
      '[0].id',
      '[0].kind',
      '[0].clientId',
      '[0].scopes[0]',
      '[0].clockToleranceSeconds',
      '[0].parameters',
      '[0].logout',
      '[0].register',
      '[0].roles.claim',
      '[0].fields.name',
      '[1].issuer',
      '[1].clientSecrets',
    ]
    expect(places.filter(place => !found.some(line => line.startsWith(`PORCHLIGHT_PROVIDERS${place}: `)))).toEqual([])
    expect(found).toHaveLength(places.length)
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['no kind and no preset', { ...MAIN, kind: undefined }, 'kind'],
    ['a preset of another kind', { id: 'x', preset: 'github', kind: 'oidc', clientId: 'x' }, 'kind'],
    ['a preset that does not exist', { id: 'x', preset: 'gitlub', clientId: 'x' }, 'preset'],
    ['a preset whose issuer everybody has their own of', { id: 'x', preset: 'keycloak', clientId: 'x' }, 'issuer'],
    ['an issuer with a query', { ...MAIN, issuer: 'https://main.example?a=b' }, 'issuer'],
    ['an issuer with a password', { ...MAIN, issuer: 'https://a:b@main.example' }, 'issuer'],
    ['an oidc provider with endpoints', { ...MAIN, tokenEndpoint: 'https://main.example/t' }, 'tokenEndpoint'],
    ['an oidc provider with fields', { ...MAIN, fields: { name: 'n' } }, 'fields'],
    ['an oidc provider without the scope openid', { ...MAIN, scopes: ['email'] }, 'scopes'],
    ['an oauth2 provider without endpoints', { ...PLAIN, tokenEndpoint: undefined }, 'tokenEndpoint'],
    ['an oauth2 provider whose user-info is not to be asked', { ...PLAIN, userInfo: false }, 'userInfo'],
    ['an oauth2 provider that does not say who it is', { ...PLAIN, fields: {} }, 'fields.subject'],
    ['a secret that nothing uses', { ...MAIN, clientSecret: SECRET, clientAuth: 'none' }, 'clientSecret'],
    ['a way that needs a secret, without one', { ...MAIN, clientAuth: 'client_secret_post' }, 'clientSecret'],
    ['a way that needs a key, without one', { ...MAIN, clientAuth: 'private_key_jwt' }, 'privateKey'],
    ['a key that is none', { ...MAIN, privateKey: SECRET }, 'privateKey'],
    [
      'a key that is too short',
      {
        ...MAIN,
        privateKey: generateKeyPairSync('rsa', { modulusLength: 1024 })
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
      },
      'privateKey',
    ],
    [
      'a key whose alg it cannot do',
      {
        ...MAIN,
        privateKey: JSON.stringify({
          ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
          alg: 'ES256',
        }),
      },
      'privateKey',
    ],
    [
      'a key with a symmetric alg',
      {
        ...MAIN,
        privateKey: JSON.stringify({
          ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
          alg: 'HS256',
        }),
      },
      'privateKey',
    ],
    [
      'a key on a curve that signs nothing',
      {
        ...MAIN,
        privateKey: generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
      'privateKey',
    ],
    ['a variable that is not set', { ...MAIN, clientSecret: { env: 'NOWHERE' } }, 'clientSecret'],
    ['a file that is not there', { ...MAIN, clientSecret: { file: 'nowhere' } }, 'clientSecret'],
  ])('%s', async (_what, provider, field) => {
    const found = await problems([provider])
    expect(found).toEqual([expect.stringContaining(`PORCHLIGHT_PROVIDERS[0].${field}: `)])
    expect(found.join('\n')).not.toContain(SECRET)
  })

  test('duplicate ids and duplicate issuers are rejected', async () => {
    expect((await problems([MAIN, { ...MAIN, issuer: 'https://other.example' }]))[0]).toMatch(/unique ids/)
    expect((await problems([MAIN, { ...MAIN, id: 'other' }]))[0]).toMatch(/unique issuers/)
  })
})

describe('BBA-3 no secret is shown', () => {
  test('by config check', async () => {
    const { report } = await load([{ ...MAIN, clientSecret: SECRET }, PLAIN])
    const line = report.find(each => each.key === 'providers')
    expect(line?.value).toBe(
      'main (oidc, https://main.example/realms/a, client_secret_basic); plain (oauth2, https://plain.example#plain, client_secret_basic)',
    )
    expect(JSON.stringify(report)).not.toContain(SECRET)
  })

  test.each<[string, string]>([
    ['that is misspelt', JSON.stringify([{ ...MAIN, clientSecrte: SECRET }])],
    ['of the wrong type', JSON.stringify([{ ...MAIN, clientSecret: [SECRET] }])],
    ['that stands beside a mistake', JSON.stringify([{ ...MAIN, clientSecret: SECRET, id: 7 }])],
    ['in what is no JSON', `[{"clientSecret":"${SECRET}"`],
    ['in what is no list', JSON.stringify({ ...MAIN, clientSecret: SECRET })],
    [
      'that stands where another thing should',
      JSON.stringify([{ ...MAIN, parameters: SECRET, roles: SECRET, fields: SECRET, privateKey: { pem: SECRET } }]),
    ],
    ['in the place of a provider', JSON.stringify([SECRET])],
    [
      'in entries that do not go together',
      JSON.stringify([
        { ...MAIN, clientSecret: SECRET },
        { ...MAIN, clientSecret: SECRET },
      ]),
    ],
  ])('in the problem report for one %s', async (_what, text) => {
    const error: unknown = await loadConfig({ PORCHLIGHT_PROVIDERS: text }, cwd).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OperatorError)
    expect((error as OperatorError).lines.join('\n')).not.toContain(SECRET)
  })
})

describe('provider presets', () => {
  test.each(PRESET_NAMES)('%s only needs the settings specific to the installation', async name => {
    const preset: Preset = PRESETS[name]
    const own = {
      id: name,
      preset: name,
      clientId: 'x',
      clientSecret: 'y',
      ...(preset.issuer === null ? { issuer: 'https://own.example' } : {}),
    }
    expect(v.safeParse(ProviderSetting, own).success).toBe(true)
    const provider = await one(own)
    expect(provider).toMatchObject({
      kind: preset.kind,
      name: preset.name,
      icon: preset.icon,
      issuer: preset.issuer ?? 'https://own.example',
      scopes: preset.scopes,
    })
    expect(provider.endpoints === null).toBe(preset.kind === 'oidc')
    const { kind, ...written } = preset
    const asWritten = Object.fromEntries(
      Object.entries(written)
        .filter(([, value]) => value !== null)
        .map(([key, value]) => [
          key,
          key === 'fields'
            ? Object.fromEntries(Object.entries(value as object).filter(([, path]) => path !== null))
            : value,
        ]),
    )
    expect(
      v.safeParse(ProviderSetting, { id: name, kind, clientId: 'x', ...asWritten }).success,
      'each field is one that could be written',
    ).toBe(true)
  })

  test('configured values override those of the preset', async () => {
    expect(
      await one({
        id: 'hub',
        preset: 'github',
        clientId: 'x',
        clientSecret: 'y',
        name: 'Our hub',
        scopes: [],
        fields: { name: 'login' },
      }),
    ).toMatchObject({ name: 'Our hub', scopes: [], fields: { subject: 'id', name: 'login' } })
  })
})
