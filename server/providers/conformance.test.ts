import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Change, CLIENT, json } from '../../tests/support/hostile-provider.ts'
import { testProviders, type TestProviders } from './providers.testing.ts'

/* The OpenID Foundation's conformance plans for clients (Basic, Config and FAPI 2.0): one test for each module that a provider's response decides. The official suite passes; these tests keep it so. */

let at: TestProviders
beforeEach(async () => {
  at = await testProviders()
})
afterEach(() => at.close())

const claims = (change: (claims: JWTPayload) => void): Change => ({ claims: change })
const signedWithoutKid: Change = {
  sign: (payload, header) => at.hostile.signed(payload, { ...header, kid: undefined } as object),
}
const now = () => Math.floor(Date.now() / 1000)

describe('Basic', () => {
  test.each<[string, Change, string]>([
    ['oidcc-client-test', {}, 'signed_in'],
    ['oidcc-client-test-nonce-invalid', claims(each => (each.nonce = 'another')), 'provider_answer_invalid'],
    ['oidcc-client-test-invalid-iss', claims(each => (each.iss = 'https://other.example')), 'provider_answer_invalid'],
    ['oidcc-client-test-invalid-aud', claims(each => (each.aud = 'another')), 'provider_answer_invalid'],
    ['oidcc-client-test-missing-aud', claims(each => delete each.aud), 'provider_answer_invalid'],
    ['oidcc-client-test-missing-iat', claims(each => delete each.iat), 'provider_answer_invalid'],
    ['oidcc-client-test-missing-sub', claims(each => delete each.sub), 'provider_answer_invalid'],
    [
      'oidcc-client-test-idtoken-sig-none',
      {
        sign: payload =>
          `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`,
      },
      'provider_answer_invalid',
    ],
    [
      'oidcc-client-test-invalid-sig-rs256',
      {
        sign: async (payload, header) =>
          new SignJWT(payload).setProtectedHeader(header).sign((await generateKeyPair('RS256')).privateKey),
      },
      'provider_answer_invalid',
    ],
    ['oidcc-client-test-kid-absent-single-jwks', signedWithoutKid, 'signed_in'],
    [
      'oidcc-client-test-userinfo-invalid-sub',
      { userInfo: info => (info['sub'] = 'another') },
      'provider_answer_invalid',
    ],
  ])('%s', async (_module, change, outcome) => {
    at.hostile.change = change
    expect(await at.open().outcome()).toBe(outcome)
  })

  test('oidcc-client-test-kid-absent-multiple-jwks', async () => {
    const other = {
      ...(await exportJWK((await generateKeyPair('RS256')).publicKey)),
      kid: 'other',
      alg: 'RS256',
      use: 'sig',
    }
    at.hostile.change = { ...signedWithoutKid, keys: keys => keys.unshift(other) }
    expect(await at.open().outcome()).toBe('signed_in')
  })

  test('oidcc-client-test-scope-userinfo-claims', async () => {
    expect((await at.open({ scopes: ['openid', 'email'] }).signIn()).person).toMatchObject({
      email: 'visitor@hostile.example',
      name: 'Vera Visitor',
    })
    expect(at.hostile.authorizations[0]?.get('scope')).toBe('openid email')
  })

  test('oidcc-client-test-client-secret-basic', async () => {
    await at.open().signIn()
    expect(at.hostile.tokenCalls[0]?.headers.authorization).toBe(
      `Basic ${btoa(`${CLIENT.clientId}:${CLIENT.clientSecret}`)}`,
    )
    expect(at.hostile.tokenCalls[0]?.fields.has('client_secret')).toBe(false)
  })
})

describe('Config', () => {
  test('oidcc-client-test-discovery-issuer-mismatch', async () => {
    at.hostile.change = { metadata: metadata => (metadata['issuer'] = 'https://other.example') }
    expect(await at.open().outcome()).toBe('provider_misconfigured')
    expect(at.hostile.authorizations).toEqual([])
  })

  test('oidcc-client-test-signing-key-rotation', async () => {
    const { outcome } = at.open()
    expect(await outcome()).toBe('signed_in')
    await at.hostile.rotateKeys()
    at.services.pass(2000)
    expect(await outcome()).toBe('signed_in')
  })

  test('oidcc-client-test-signing-key-rotation-just-before-signing', async () => {
    const { begin, finish, outcome } = at.open()
    await outcome()
    at.services.pass(2000)
    const { href, sealed } = await begin()
    await at.hostile.rotateKeys()
    expect((await finish(href, sealed)).person.subject).toBe('visitor-1')
  })
})

describe('FAPI 2.0', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const PAR = (metadata: Record<string, unknown>) =>
    Object.assign(metadata, {
      pushed_authorization_request_endpoint: `${String(metadata['issuer'])}/par`,
      token_endpoint_auth_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
    })

  /**
   * A sign-in by a pushed request and signed assertions.
   * @param change how the provider deviates
   * @param tokens how its token response deviates
   */
  async function fapi(change: Change, tokens: (answer: Record<string, unknown>) => void = () => {}) {
    const seen: { path: string; fields: URLSearchParams }[] = []
    const record =
      (
        path: string,
        answer: (fields: URLSearchParams) => [number, unknown] | Promise<[number, unknown]>,
      ): NonNullable<Change['instead']>[string] =>
      async (request, response) => {
        let body = ''
        for await (const chunk of request) body += String(chunk)
        const fields = new URLSearchParams(body)
        seen.push({ path, fields })
        json(response, ...(await answer(fields)))
      }
    let pushed = new URLSearchParams()
    at.hostile.change = {
      metadata: metadata => void PAR(metadata),
      instead: {
        '/par': record('/par', fields => {
          pushed = fields
          return [201, { request_uri: 'urn:ietf:params:oauth:request_uri:one', expires_in: 60 }]
        }),
        '/token': record('/token', async () => {
          const payload = {
            iss: at.hostile.issuer,
            aud: CLIENT.clientId,
            sub: 'visitor-1',
            iat: now(),
            exp: now() + 60,
            nonce: pushed.get('nonce'),
          }
          change.claims?.(payload as JWTPayload)
          const answer = {
            access_token: 'the-access-token',
            token_type: 'Bearer',
            expires_in: 60,
            id_token: await at.hostile.signed(payload as JWTPayload),
          }
          tokens(answer)
          return [200, answer]
        }),
      },
    }
    const { clientSecret: _, ...client } = CLIENT
    const { providers, begin } = at.open({ ...client, clientSecret: undefined, privateKey } as object)
    const { href, sealed } = await begin()
    const query = new URLSearchParams({ code: 'the-code', state: pushed.get('state') ?? '', iss: at.hostile.issuer })
    change.response?.(query)
    const outcome = await providers
      .finish('hostile', { search: `?${query.toString()}`, sealed, network: '192.0.2.1' })
      .then(
        () => 'signed_in',
        (error: { code: string }) => error.code,
      )
    return { href: new URL(href), seen, outcome }
  }

  test('client-test-happy-path', async () => {
    const { href, seen, outcome } = await fapi({})
    expect(outcome).toBe('signed_in')
    expect([...href.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri'])
    const [push, token] = seen
    expect(Object.fromEntries(push?.fields ?? [])).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      client_id: CLIENT.clientId,
    })
    for (const { fields } of [push, token].flatMap(one => one ?? [])) {
      expect(decodeProtectedHeader(fields.get('client_assertion') ?? '').alg).toBe('ES256')
      // OA-19: the audience is the issuer, as a single string.
      expect(
        JSON.parse(Buffer.from((fields.get('client_assertion') ?? '').split('.')[1] ?? '', 'base64url').toString()),
      ).toMatchObject({ aud: at.hostile.issuer })
    }
  })

  test.each<[string, Change, string]>([
    [
      'client-test-ensure-authorization-response-with-invalid-iss-fails',
      { response: query => query.set('iss', 'https://other.example') },
      'provider_answer_invalid',
    ],
    [
      'client-test-ensure-authorization-response-with-invalid-missing-iss-fails',
      { response: query => query.delete('iss') },
      'provider_answer_invalid',
    ],
    [
      'client-test-ensure-authorization-response-with-invalid-state-fails',
      { response: query => query.set('state', `${query.get('state')?.slice(0, -1)}_`) },
      'login_expired',
    ],
    [
      'client-test-ensure-authorization-response-with-missing-state-fails',
      { response: query => query.delete('state') },
      'login_expired',
    ],
    ['client-test-invalid-iss', claims(each => (each.iss = 'https://other.example')), 'provider_answer_invalid'],
    ['client-test-missing-iss', claims(each => delete each.iss), 'provider_answer_invalid'],
    ['client-test-invalid-aud', claims(each => (each.aud = 'another')), 'provider_answer_invalid'],
    [
      'client-test-invalid-secondary-aud',
      claims(each => (each.aud = [CLIENT.clientId, 'another'])),
      'provider_answer_invalid',
    ],
    ['client-test-missing-aud', claims(each => delete each.aud), 'provider_answer_invalid'],
    ['client-test-valid-aud-as-array', claims(each => (each.aud = [CLIENT.clientId])), 'signed_in'],
    ['client-test-invalid-nonce', claims(each => (each.nonce = 'another')), 'provider_answer_invalid'],
    ['client-test-missing-nonce', claims(each => delete each.nonce), 'provider_answer_invalid'],
    [
      'client-test-invalid-expired-exp',
      claims(each => Object.assign(each, { exp: now() - 300 })),
      'provider_answer_invalid',
    ],
    ['client-test-missing-exp', claims(each => delete each.exp), 'provider_answer_invalid'],
    ['client-test-iat-is-week-in-past', claims(each => (each.iat = now() - 7 * 86_400)), 'provider_answer_invalid'],
  ])('%s', async (_module, change, outcome) => {
    expect((await fapi(change)).outcome).toBe(outcome)
  })

  test('client-test-no-scope-in-token-endpoint-response, client-test-token-type-case-insensitivity', async () => {
    expect((await fapi({}, answer => Object.assign(answer, { token_type: 'bEARER' }))).outcome).toBe('signed_in')
  })
})
