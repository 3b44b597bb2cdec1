import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CryptoKey, exportSPKI, generateKeyPair, importJWK } from 'jose'
import { AUDIENCE, ISSUER, type Stage, startStage } from './notes.testing.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.close())

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const withToken = (authorization: string) => fetch(`${stage.origin}/notes`, { headers: { authorization } })
const nowSeconds = () => Math.floor(Date.now() / 1000)

describe('an access token', () => {
  test('of the issuer, for this service, opens the door', async () => {
    expect((await withToken(`Bearer ${await stage.issuer.tokenFor('ada')}`)).status).toBe(200)
  })

  test.each(['RS256', 'Ed25519'])('may be signed with %s, where the issuer does', async alg => {
    const other = await startStage({ alg })
    expect((await (await other.person('ada'))('GET', '/notes')).status).toBe(200)
    await other.close()
  })

  test.each(['ES384', 'PS256'])(
    'JW-7 ASVS 9.1.1 ASVS 9.1.2 signed with %s is refused, though its key is published',
    async alg => {
      const other = await startStage({ alg })
      expect((await (await other.person('ada'))('GET', '/notes')).status).toBe(401)
      await other.close()
    },
  )

  test('is found under any spelling of the scheme (RFC 9110 §11.1)', async () => {
    expect((await withToken(`bearer ${await stage.issuer.tokenFor('ada')}`)).status).toBe(200)
  })

  test.each([
    ['of another issuer', { claims: { iss: 'https://elsewhere.example' } }],
    ['without an issuer', { claims: { iss: undefined } }],
    ['OA-16 9.2.3 for another upstream', { claims: { aud: 'orders' } }],
    ['for several others', { claims: { aud: ['orders', 'people'] } }],
    ['whose audience only begins alike', { claims: { aud: `${AUDIENCE}2` } }],
    ['without an audience', { claims: { aud: undefined } }],
    ['JW-1 JW-12 9.2.2 of another type', { header: { typ: 'logout+jwt' } }],
    ['of the general type', { header: { typ: 'JWT' } }],
    ['JW-12 without a type', { header: { typ: undefined } }],
    ['9.2.1 that has expired', { claims: { exp: nowSeconds() - 60 } }],
    ['that never ends', { claims: { exp: undefined } }],
    ['9.2.1 that is for later', { claims: { nbf: nowSeconds() + 600 } }],
    ['without a time of issue', { claims: { iat: undefined } }],
    ['for nobody', { claims: { sub: undefined } }],
    ['for an empty name', { claims: { sub: '' } }],
    ['of an unknown key', { header: { kid: 'k2' } }],
  ])('%s is refused, with a challenge', async (_what, wanted) => {
    const answer = await withToken(`Bearer ${await stage.issuer.tokenFor('ada', wanted as object)}`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="notes", error="invalid_token", error_description="[^"]+"$/,
    )
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ status: 401, code: 'invalid_token' })
  })

  test('signed by somebody else under the same key id is refused', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    expect((await withToken(`Bearer ${await stage.issuer.tokenFor('ada', { key: privateKey })}`)).status).toBe(401)
  })

  test('OI-3 JW-7 without a signature is refused', async () => {
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', iat: nowSeconds(), exp: nowSeconds() + 300 }
    for (const alg of ['none', 'None', 'NONE', '']) {
      const token = `${base64url({ alg, typ: 'at+jwt', kid: 'k1' })}.${base64url(claims)}.`
      expect((await withToken(`Bearer ${token}`)).status, alg).toBe(401)
    }
  })

  test('OI-3 JW-7 signed by HMAC with the public key as the secret is refused', async () => {
    const pem = await exportSPKI(
      (await importJWK({ ...stage.issuer.publicJwk, ext: true }, 'ES256', { extractable: true })) as CryptoKey,
    )
    const token = await stage.issuer.tokenFor('ada', { header: { alg: 'HS256' }, key: new TextEncoder().encode(pem) })
    expect((await withToken(`Bearer ${token}`)).status).toBe(401)
  })

  test('JW-11 ASVS 9.1.3 that brings its own key is refused, and nothing is fetched for it', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { kty, crv, x, y } = (await crypto.subtle.exportKey('jwk', publicKey)) as {
      kty: string
      crv: string
      x: string
      y: string
    }
    const fetches = stage.issuer.fetches
    const token = await stage.issuer.tokenFor('ada', {
      key: privateKey,
      header: { jwk: { kty, crv, x, y }, jku: `${stage.issuer.jwks.origin}/theirs.json` },
    })
    expect((await withToken(`Bearer ${token}`)).status).toBe(401)
    expect(stage.issuer.fetches).toBe(fetches)
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic YWRhOmFkYQ==',
    'Bearer a b',
    'Bearer x.y.z',
    `Bearer ${'a'.repeat(10_000)}`,
  ])('%s is no token', async authorization => {
    expect((await withToken(authorization)).status).toBe(401)
  })

  test('is asked for without naming an error when there is none (RFC 6750 §3.1)', async () => {
    const answer = await fetch(`${stage.origin}/notes`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="notes"')
  })

  test('in the query or in a form is none', async () => {
    const token = await stage.issuer.tokenFor('ada')
    expect((await fetch(`${stage.origin}/notes?access_token=${token}`)).status).toBe(401)
  })

  test('is asked for before anything is said about an address', async () => {
    expect((await fetch(`${stage.origin}/anything`)).status).toBe(401)
  })
})

describe('the keys', () => {
  test('are fetched once for many requests at once', async () => {
    const fresh = await startStage()
    const person = await fresh.person('ada')
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await person('GET', '/notes')).status))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(fresh.issuer.fetches).toBe(1)
    await fresh.close()
  })

  test('OI-10 JW-11 tokens of unknown keys cause at most one fetch per cool-down', async () => {
    const fresh = await startStage()
    const person = await fresh.person('ada')
    await person('GET', '/notes')
    for (let i = 0; i < 5; i++) {
      const token = await fresh.issuer.tokenFor('ada', { header: { kid: `made-up-${i}` } })
      expect((await fetch(`${fresh.origin}/notes`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
    }
    expect(fresh.issuer.fetches).toBe(1)
    await fresh.close()
  })

  test("that cannot be fetched are our trouble, not the caller's: 503, and well again later", async () => {
    const fresh = await startStage()
    const person = await fresh.person('ada')
    fresh.issuer.fail(true)
    const answer = await person('GET', '/notes')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(await answer.json()).toMatchObject({ code: 'keys_unreachable' })
    fresh.issuer.fail(false)
    expect((await person('GET', '/notes')).status).toBe(200)
    await fresh.close()
  })
})
