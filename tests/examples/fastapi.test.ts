import { resolve } from 'node:path'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { testUpstream, ask, front } from '../../server/relay/relay.testing.ts'
import { findPython } from '../support/python.ts'
import { type Service, startService } from '../support/example-service.ts'

const FOLDER = resolve(import.meta.dirname, '../../examples/fastapi')
const ISSUER = 'https://porch.example'
const python = findPython()

/** The issuer's side: keys that come and go, an address that may fail. */
const published: JWK[] = []
let fetches = 0
let failing = false
let privateKey: CryptoKey
let publicPem: string

let keyServer: Server
let service: Service

async function newKey(kid: string, alg = 'ES256'): Promise<CryptoKey> {
  const pair = await generateKeyPair(alg, { extractable: true })
  published.push({ ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg })
  publicPem = await exportSPKI(pair.publicKey)
  return pair.privateKey
}

const seconds = () => Math.floor(Date.now() / 1000)

/** A token that is good in every respect, but for what a test changes. A claim or header of undefined is left out. */
async function mint(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = privateKey,
): Promise<string> {
  const payload = {
    iss: ISSUER,
    aud: 'orders',
    sub: 'ada',
    client_id: 'porchlight',
    iat: seconds(),
    exp: seconds() + 300,
    roles: ['user'],
    ...claims,
  }
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt', ...header })
    .sign(key)
}

const call = (token: string | null, path = '/orders', init: RequestInit = {}) =>
  fetch(service.origin + path, {
    ...init,
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
  })
const order = (token: string, body: unknown) => call(token, '/orders', { method: 'POST', body: JSON.stringify(body) })

async function start(): Promise<void> {
  const jwks = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/.well-known/jwks.json`
  service = await startService(python ?? '', FOLDER, { ISSUER, AUDIENCE: 'orders', JWKS_URL: jwks })
}

describe.skipIf(python === null)('the FastAPI example', () => {
  beforeAll(async () => {
    privateKey = await newKey('k1')
    keyServer = createServer((_request, response) => {
      fetches++
      response
        .writeHead(failing ? 503 : 200, { 'content-type': 'application/json' })
        .end(failing ? '' : JSON.stringify({ keys: published }))
    })
    await new Promise<void>(resolve => keyServer.listen(0, '127.0.0.1', resolve))
    await start()
  })

  afterAll(async () => {
    await service.stop()
    keyServer.closeAllConnections()
    keyServer.close()
  })

  test('answers 503, not 401, while the keys cannot be fetched, and recovers', async () => {
    failing = true
    expect((await call(await mint())).status).toBe(503)
    failing = false
    expect((await call(await mint())).status).toBe(200)
  })

  test('takes an order and lists it, for whoever made it and nobody else', async () => {
    const [cleo, dan] = [await mint({ sub: 'cleo' }), await mint({ sub: 'dan' })]
    const made = await order(cleo, { item: 'a lamp', quantity: 2 })
    expect(made.status).toBe(201)
    const lamp = (await made.json()) as object
    expect(lamp).toMatchObject({ item: 'a lamp', quantity: 2 })
    expect(await (await call(cleo)).json()).toEqual([lamp])
    expect(await (await call(dan)).json()).toEqual([])
  })

  test('redirects to the path without a slash, and behind the relay that comes back under its prefix, over https too', async () => {
    const here = await front([testUpstream(service.origin, { prefix: '/api/shop' })])
    onTestFinished(here.close)
    const direct = await fetch(`${service.origin}/orders/`, {
      redirect: 'manual',
      headers: { 'x-forwarded-proto': 'https' },
    })
    expect([direct.status, direct.headers.get('location')]).toEqual([
      307,
      `${service.origin.replace('http:', 'https:')}/orders`,
    ])
    expect(await ask(here.origin, '/api/shop/orders/?a=b')).toMatchObject({
      status: 307,
      headers: { location: '/api/shop/orders?a=b' },
    })
  })

  test.each([{}, { item: '' }, { item: 'x', quantity: 0 }, { item: 'x', sub: 'bob' }])(
    'refuses %j as an order',
    async body => {
      expect((await order(await mint(), body)).status).toBe(422)
    },
  )

  test.each([
    ['JW-1 JW-12 of another type', {}, { typ: 'JWT' }],
    ['JW-12 of another kind of ours', {}, { typ: 'logout+jwt' }],
    ['JW-12 without a type', {}, { typ: undefined }],
    ['that has expired', { exp: seconds() - 60 }, {}],
    ['that never ends', { exp: undefined }, {}],
    ['of tomorrow', { nbf: seconds() + 86_400 }, {}],
    ['OA-16 for another upstream', { aud: 'notes' }, {}],
    ['without an audience', { aud: undefined }, {}],
    ['of another issuer', { iss: 'https://porch.example.evil.example' }, {}],
    ['without an issuer', { iss: undefined }, {}],
    ['for nobody', { sub: undefined }, {}],
    ['of an unknown key', {}, { kid: 'k9' }],
    ['without a key id', {}, { kid: undefined }],
  ])('refuses a token %s', async (_what, claims, header) => {
    const answer = await call(await mint(claims, header))
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="orders", error="invalid_token"/)
  })

  test('refuses a token signed by somebody else under the same key id', async () => {
    const { privateKey: theirs } = await generateKeyPair('ES256')
    expect((await call(await mint({}, {}, theirs))).status).toBe(401)
  })

  test('OI-3 JW-7 refuses HMAC with the public key as the secret', async () => {
    for (const secret of [publicPem, JSON.stringify(published[0])]) {
      expect((await call(await mint({}, { alg: 'HS256' }, new TextEncoder().encode(secret)))).status).toBe(401)
    }
  })

  test('OI-3 JW-7 refuses a token without a signature', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'NONE', 'None']) {
      const [, payload = ''] = (await mint()).split('.')
      expect((await call(`${part({ alg, kid: 'k1', typ: 'at+jwt' })}.${payload}.`)).status, alg).toBe(401)
    }
  })

  test('refuses what is no token at all, without falling over', async () => {
    const part = (text: string) => Buffer.from(text).toString('base64url')
    const senseless = [
      'x',
      'a.b.c',
      '..',
      `${part('[]')}.${part('{}')}.x`,
      `${part('{"alg":"ES256","kid":7}')}.${part('[]')}.x`,
      `${part('{"alg":"ES256","kid":["k1"]}')}.x.x`,
      'a'.repeat(20_000),
      '%ff%fe.%00.x',
    ]
    for (const token of senseless) expect((await call(token)).status, token.slice(0, 40)).toBe(401)
    const none = await call(null)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="orders"'])
  })

  test("lets administrators see everyone's orders, and nobody else", async () => {
    await order(await mint({ sub: 'eve' }), { item: 'a rug' })
    expect((await call(await mint({ roles: ['user'] }), '/orders/everyone')).status).toBe(403)
    for (const roles of [undefined, [], 'admin', 'user admin', { admin: true }, null]) {
      expect((await call(await mint({ roles }), '/orders/everyone')).status, JSON.stringify(roles)).toBe(403)
    }
    const answer = await call(await mint({ roles: ['user', 'admin'] }), '/orders/everyone')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ eve: [{ item: 'a rug' }] })
    expect((await call(null, '/orders/everyone')).status).toBe(401)
  })

  test('JW-16 takes a new key up by itself, and keeps the old one while it is published', async () => {
    const next = await newKey('k2')
    // The new key is published before it signs; the service looks again once its pause between two looks is over.
    await expect
      .poll(async () => (await call(await mint({}, { kid: 'k2' }, next))).status, { timeout: 20_000, interval: 500 })
      .toBe(200)
    expect((await call(await mint())).status).toBe(200)
    const rsa = await newKey('k3', 'RS256')
    await expect
      .poll(async () => (await call(await mint({}, { kid: 'k3', alg: 'RS256' }, rsa))).status, {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(200)
  })

  test('OI-10 fetches the keys rarely: not for each request, nor for each unknown key', async () => {
    const before = fetches
    for (let i = 0; i < 20; i++) {
      await call(await mint())
      await call(await mint({}, { kid: `made-up-${i}` }))
    }
    expect(fetches - before).toBeLessThanOrEqual(2)
  })

  test('writes no token and no part of one into its log', async () => {
    const token = await mint()
    await call(token)
    await call(`${token}x`)
    for (const part of token.split('.')) expect(service.output()).not.toContain(part)
  })
})
