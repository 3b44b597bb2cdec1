import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CLIENT, json } from '../../tests/support/hostile-provider.ts'
import { testProviders, type TestProviders } from './providers.testing.ts'

let at: TestProviders
beforeEach(async () => {
  at = await testProviders()
})
afterEach(() => at.close())

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ED25519 = generateKeyPairSync('ed25519')
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const P256 = ec('P-256')
const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const jwk = ({ privateKey }: { privateKey: KeyObject }, more: object) =>
  JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...more })

/**
 * @returns the assertion of the token call, and the outcome of the sign-in
 * @param listed the algorithms in the provider's metadata; undefined: none
 */
async function ask(privateKey: string, listed: unknown): Promise<{ assertion: string; outcome: string }> {
  let assertion = ''
  at.hostile.change = {
    metadata: metadata => Object.assign(metadata, { token_endpoint_auth_signing_alg_values_supported: listed }),
    instead: {
      '/token': async (request, response) => {
        let body = ''
        for await (const chunk of request) body += String(chunk)
        assertion = new URLSearchParams(body).get('client_assertion') ?? ''
        json(response, 400, { error: 'invalid_grant' })
      },
    },
  }
  const { clientSecret: _, ...client } = CLIENT
  const outcome = await at.open({ ...client, clientSecret: undefined, privateKey } as object).outcome()
  return { assertion, outcome }
}

describe('a client assertion is signed', () => {
  test.each<[string, string, { publicKey: KeyObject }, unknown, string]>([
    ['an RSA key, at a provider that lists nothing', pem(RSA), RSA, undefined, 'RS256'],
    ['an RSA key, where both are taken', pem(RSA), RSA, ['PS256', 'RS256'], 'RS256'],
    ['an RSA key, under FAPI', pem(RSA), RSA, ['PS256', 'ES256'], 'PS256'],
    ['an RSA key, where only a longer hash is taken', pem(RSA), RSA, ['ES256', 'PS512'], 'PS512'],
    ['an RSA key whose JWK says how', jwk(RSA, { alg: 'PS256' }), RSA, ['RS256', 'PS256'], 'PS256'],
    ['an RSA key whose JWK says how, whatever is listed', jwk(RSA, { alg: 'PS384' }), RSA, ['RS256'], 'PS384'],
    ['an Ed25519 key, at a provider that lists nothing', pem(ED25519), ED25519, undefined, 'EdDSA'],
    [
      'an Ed25519 key, at Keycloak',
      pem(ED25519),
      ED25519,
      ['PS384', 'ES384', 'RS384', 'HS256', 'ES256', 'RS256', 'EdDSA', 'PS256'],
      'EdDSA',
    ],
    ['an Ed25519 key, by its newer name alone', pem(ED25519), ED25519, ['Ed25519'], 'Ed25519'],
    ['an Ed25519 key whose JWK says how', jwk(ED25519, { alg: 'Ed25519' }), ED25519, undefined, 'Ed25519'],
    ['an EC key', pem(P256), P256, undefined, 'ES256'],
    ['a list that is none', pem(P256), P256, 'ES256', 'ES256'],
  ])('with a supported algorithm: %s', async (_what, privateKey, { publicKey }, listed, alg) => {
    const { assertion, outcome } = await ask(privateKey, listed)
    expect(outcome).toBe('login_expired')
    expect(decodeProtectedHeader(assertion).alg).toBe(alg)
    const claims: JWTPayload = (await jwtVerify(assertion, publicKey, { algorithms: [alg] })).payload
    expect(claims).toMatchObject({ iss: CLIENT.clientId, sub: CLIENT.clientId, aud: at.hostile.issuer })
  })

  test.each([
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
  ])('by a key on %s with %s, and names the key', async (curve, alg) => {
    const pair = ec(curve)
    const { assertion } = await ask(jwk(pair, { kid: 'ours-1' }), ['RS256', alg])
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg, kid: 'ours-1' })
    await jwtVerify(assertion, pair.publicKey)
  })

  test('by nothing if no algorithm matches: a misconfiguration, and the log lists what each side supports', async () => {
    const { assertion, outcome } = await ask(pem(RSA), ['ES256', 'EdDSA'])
    expect([assertion, outcome]).toEqual(['', 'provider_misconfigured'])
    expect(at.lines.join('')).toContain(
      'it supports RS256, PS256, RS384, PS384, RS512, PS512; the provider lists ES256, EdDSA',
    )
  })
})
