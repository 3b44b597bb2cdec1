import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Visitor } from '../support/client.ts'
import { setUp, signIn, signUp } from '../support/people.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, type Server, startServer, stopAll } from '../support/server.ts'
import { TOKEN_TYPES } from '../../server/config/upstream-config.ts'
import { isAvailable, prepareVerifier, RECIPES, type StartVerifier, type Verifier } from '../support/verifiers.ts'

// The APIs of docs/guides/verifying-apis.md, as the guide shows them, behind a real server and with its real tokens.

const recipes = Object.entries(RECIPES)
const names = recipes.map(([name]) => name)
const available = new Map(await Promise.all(names.map(async name => [name, await isAvailable(name)] as const)))
const ports = new Map(await Promise.all(names.map(async name => [name, await freePort()] as const)))
const idOf = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
const seconds = () => Math.floor(Date.now() / 1000)

/** Built all at once: most of it is waiting for downloads, the first time. */
const prepared = new Map<string, Promise<StartVerifier>>()
let server: Server
let admin: Visitor
let recorder: RecordingUpstream
/** The key that the server signs with, as its key file has it. */
let signing: { id: string; alg: string; jwk: JWK }

beforeAll(async () => {
  recorder = await startRecordingUpstream()
  const upstreams = recipes.map(([name, { tokenType }]) => ({
    name: idOf(name),
    target: `http://127.0.0.1:${ports.get(name)}`,
    audience: 'orders',
    claims: ['name', 'email', 'email_verified'],
    tokenType,
  }))
  // An API that keeps what it gets, and another one, with tokens of both types.
  const recorded = TOKEN_TYPES.flatMap(tokenType => [
    { name: `seen-${idOf(tokenType)}`, target: recorder.origin, tokenType, audience: 'orders' },
    { name: `other-${idOf(tokenType)}`, target: recorder.origin, tokenType },
  ])
  server = await startServer({
    settings: {
      UPSTREAMS: JSON.stringify([...upstreams, ...recorded]),
    },
  })
  // Those that build in processes of their own first: Python's packages are installed synchronously.
  for (const name of names.toReversed()) {
    if (!available.get(name)) continue
    const preparing = prepareVerifier(name, { issuer: server.origin, port: ports.get(name) ?? 0 })
    // Reported by the test that starts it.
    preparing.catch(() => {})
    prepared.set(name, preparing)
  }
  admin = (await setUp(server.origin)).browser
  const keys = JSON.parse(readFileSync(join(server.dataDir, 'keys.json'), 'utf8')) as { signing: (typeof signing)[] }
  signing = keys.signing[0] ?? { id: '', alg: '', jwk: {} }
})
afterAll(async () => {
  await recorder?.stop()
  await stopAll()
})

async function start(name: string): Promise<Verifier> {
  const preparing = prepared.get(name)
  if (preparing === undefined) throw new Error(`${name} is not being prepared`)
  return (await preparing)()
}

/** The token that an API gets from the server for the administrator. */
async function relayedToken(upstream: string): Promise<string> {
  expect((await admin.get(`/api/${upstream}/x`)).status).toBe(200)
  return recorder.requests.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? ''
}

/** A token signed with the server's own key, good in every respect but for what a test changes. */
async function sign(claims: JWTPayload, header: Record<string, unknown>, key?: SigningKey): Promise<string> {
  const payload = {
    iss: server.origin,
    aud: 'orders',
    sub: 'ada',
    client_id: 'porchlight',
    jti: 'x',
    iat: seconds(),
    exp: seconds() + 300,
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: signing.alg, kid: signing.id, ...header })
    .sign(key ?? (await importJWK(signing.jwk, signing.alg)))
}
type SigningKey = Parameters<SignJWT['sign']>[0]

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A call from inside the network, past the relay. */
function direct(
  port: number,
  authorization: string | null,
  path = '/orders',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = authorization === null ? {} : { authorization }
    request({ host: '127.0.0.1', port, path, headers, agent: false }, response => {
      let body = ''
      response.on('data', chunk => (body += String(chunk)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
      .on('error', reject)
      .end()
  })
}

describe.each(recipes)('%s, as the guide shows it', (name, { tokenType, checksType }) => {
  const isMissing = available.get(name) !== true
  let api: Verifier
  const minted = (claims: JWTPayload = {}, header: Record<string, unknown> = {}, key?: SigningKey) =>
    sign(claims, { typ: tokenType, ...header }, key)
  beforeAll(async () => {
    if (!isMissing) api = await start(name)
  })
  afterAll(async () => api?.stop())

  test.skipIf(isMissing)(
    'RFC 9068 §4 takes the token of a relayed call, knowing the issuer and its own name',
    async () => {
      const answer = await admin.get(`/api/${idOf(name)}/orders`)
      expect([answer.status, answer.json()]).toEqual([200, { sub: (await admin.session()).user?.id }])
      expect((await direct(api.port, `Bearer ${await minted()}`)).status).toBe(200)
    },
  )

  test.skipIf(isMissing)('JW-1 JW-8 OA-16 refuses every other token with 401', async () => {
    const stranger = await generateKeyPair('ES256', { extractable: true })
    const good = await relayedToken(`seen-${idOf(tokenType)}`)
    const [, payload = '', signature = ''] = good.split('.')
    const tokens = {
      'for another audience': await relayedToken(`other-${idOf(tokenType)}`),
      'for no audience': await minted({ aud: [] }),
      expired: await minted({ iat: seconds() - 7200, exp: seconds() - 3600 }),
      'alg none': `${part({ alg: 'none', typ: tokenType })}.${payload}.`,
      'alg none, signed all the same': `${part({ alg: 'none', typ: tokenType, kid: signing.id })}.${payload}.${signature}`,
      'of another issuer': await minted({ iss: 'https://other.example' }),
      'of another issuer with its own key': await minted(
        { iss: 'https://other.example' },
        { kid: 'k9' },
        stranger.privateKey,
      ),
      'signed by a stranger under our key id': await minted({}, {}, stranger.privateKey),
      'that brings its key along': await minted({}, { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
      'with a public key as an HMAC secret': await minted(
        {},
        { alg: 'HS256' },
        Buffer.from(JSON.stringify({ ...signing.jwk, d: undefined })),
      ),
      'with another body': `${good.split('.')[0]}.${part({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'root' })}.${signature}`,
      'cut off': good.slice(0, -4),
      'no token at all': 'x',
    }
    const answers: Record<string, number> = {}
    for (const [what, token] of Object.entries(tokens))
      answers[what] = (await direct(api.port, `Bearer ${token}`)).status
    expect(answers).toEqual(Object.fromEntries(Object.keys(tokens).map(what => [what, 401])))
    expect((await direct(api.port, null)).status).toBe(401)
    if (checksType)
      expect((await direct(api.port, `Bearer ${await minted({}, { typ: 'logout+jwt' })}`)).status).toBe(401)
    expect((await direct(api.port, `Bearer ${good}`)).status).toBe(200)
  })
})

describe("A person's first call, as the guide answers it", () => {
  const name = 'FastAPI and PyJWT'
  const isMissing = available.get(name) !== true
  const port = ports.get(name) ?? 0
  let api: Verifier
  beforeAll(async () => {
    if (!isMissing) api = await start(name)
  })
  afterAll(async () => api?.stop())

  const me = async (browser: Visitor) => {
    const { status, text } = await browser.get(`/api/${idOf(name)}/me`)
    return [status, JSON.parse(text) as { id: number; name: string | null; email: string | null }] as const
  }
  const directMe = async (claims: JWTPayload) => {
    const { status, body } = await direct(port, `Bearer ${await sign(claims, { typ: 'at+jwt' })}`, '/me')
    return [status, JSON.parse(body) as { id: number }] as const
  }

  test.skipIf(isMissing)(
    'makes one row, also for twenty first calls at once, and a rename arrives there with the next call',
    async () => {
      const { browser, person, answer } = await signUp(admin)
      const first = await Promise.all(Array.from({ length: 20 }, () => me(browser)))
      const row = { id: expect.any(Number), name: person.name, email: answer.user?.email }
      expect(first).toEqual(first.map(() => [200, row]))
      const ids = new Set(first.map(([, { id }]) => id))
      expect(ids.size).toBe(1)
      await browser.ask({ method: 'PATCH', path: '/auth/user', body: { name: 'Robin Ashby-龙' } })
      expect(await me(browser)).toEqual([200, { ...row, id: [...ids][0], name: 'Robin Ashby-龙' }])
      expect((await me(admin))[1].id).not.toBe([...ids][0])
    },
  )

  test.skipIf(isMissing)(
    'makes different rows for two people who had the same address one after the other, and for the same sub elsewhere',
    async () => {
      const email = 'shared@example.org'
      const [, one] = await directMe({ sub: 'p1', email })
      const [, other] = await directMe({ sub: 'p2', email })
      expect(one.id).not.toBe(other.id)
      expect(await directMe({ sub: 'p1', email: 'moved@example.org' })).toEqual([
        200,
        { id: one.id, name: null, email: 'moved@example.org' },
      ])
      expect((await directMe({ sub: 'p1', iss: 'https://other.example' }))[0]).toBe(401)
    },
  )

  test.skipIf(isMissing)('a disabled person calls no more, and finds the same row once enabled', async () => {
    const { browser, person, answer } = await signUp(admin)
    const [, { id }] = await me(browser)
    const change = (disabled: boolean) =>
      admin.ask({ method: 'PATCH', path: `/auth/people/${answer.user?.id}`, body: { disabled } })
    expect((await change(true)).status).toBe(200)
    expect((await me(browser))[0]).toBe(401)
    expect((await change(false)).status).toBe(200)
    expect((await me(await signIn(server.origin, person)))[1].id).toBe(id)
  })
})
