import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from 'jose'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_EMAIL_LENGTH } from '../contract/email.ts'
import { MAX_NAME_LENGTH } from '../contract/wire.ts'
import { UPSTREAM_TOKEN_ALGS } from '../config/settings.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { newRoot } from '../keys/file.ts'
import { createKeyring } from '../keys/keyring.ts'
import type { Signing } from '../keys/signing.ts'
import { SIGNING, testSigning } from '../keys/keys.testing.ts'
import { createTokens, parseRefresh } from '../session/session-tokens.ts'
import type { SessionRecord } from '../store/types.ts'
import { createUpstreamTokens, lifeOf, usableUntil } from './upstream-tokens.ts'
import type { RelayCaller } from './types.ts'

const AT = 1_800_000_000_000
const ISSUER = 'https://example.org'

const upstream = (name: string, scopes: string[] = []): Upstream => ({
  name,
  scopes,
  prefix: `/api/${name}`,
  target: { origin: 'http://127.0.0.1:1', basePath: '' },
  token: 'porchlight',
  provider: null,
  audience: `https://${name}.example.org`,
  tokenType: 'at+jwt',
  claims: [],
  tls: null,
  host: 'target',
  methods: null,
  requires: { signedIn: true, roles: [], maxAgeMs: null, acr: null },
  strip: true,
  timeouts: { connectMs: 1, headersMs: 1, idleMs: 1, websocketIdleMs: 1 },
  streamMaxMs: 1,
  maxBodyBytes: null,
  maxHeaderBytes: 1,
  websocket: false,
  document: false,
  cookies: false,
  encodedPaths: false,
  tokenHeader: null,
  dropHeaders: [],
  redirectOrigins: [],
  title: name,
  description: '',
  icon: null,
  page: null,
})
const ORDERS = upstream('orders')
const BOOKS = upstream('books', ['read', 'write'])

const caller = (who: string, roles: RelayCaller['user']['roles'] = ['user']): RelayCaller => ({
  user: {
    id: `user-${who}`,
    email: `${who}@example.org`,
    emailVerified: false,
    secondFactorAt: null,
    name: who,
    roles,
  },
  language: null,
  session: {
    publicId: `public-${who}`,
    userId: `user-${who}`,
    createdAt: AT - 5_000,
    authTime: AT - 4_321,
    amr: ['pwd'],
    remember: false,
    accessEndsAt: AT + 900_000,
    idleEndsAt: AT + 43_200_000,
    absoluteEndsAt: AT + 86_400_000,
  },
})
const ADA = caller('ada')

function world(upstreamTokenMs = 300_000, alg: (typeof UPSTREAM_TOKEN_ALGS)[number] = 'ES256') {
  const time = { wall: AT }
  const signing = testSigning(AT, { ...SIGNING, upstreamTokenAlg: alg })
  let minted = 0
  const counted: Pick<Signing, 'signer'> = {
    signer(now) {
      minted++
      return signing.signer(now)
    },
  }
  const tokens = createUpstreamTokens({
    clock: { now: () => ({ wall: time.wall, steady: 0 }) },
    signing: counted,
    publicUrl: ISSUER,
    upstreamTokenMs,
  })
  /** How an API validates a Bearer token: RFC 9068 §4. */
  const verify = (token: string, audience = ORDERS.audience, options: JWTVerifyOptions = {}) =>
    jwtVerify(token, createLocalJWKSet({ keys: signing.published(time.wall) }), {
      issuer: ISSUER,
      audience,
      typ: 'at+jwt',
      algorithms: [alg],
      currentDate: new Date(time.wall),
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
      ...options,
    })
  return { time, signing, tokens, verify, minted: () => minted }
}

test('a library that accepts no other type gets a plain JWT, where the upstream is set so', async () => {
  const { tokens, verify } = world()
  const token = await tokens.tokenFor({ ...ORDERS, tokenType: 'JWT' }, ADA, false)
  expect((await verify(token, ORDERS.audience, { typ: 'JWT' })).payload.sub).toBe('user-ada')
  await expect(verify(token)).rejects.toThrow(/typ/)
})

const PERSONAL: Upstream = { ...ORDERS, claims: ['name', 'email', 'email_verified', 'locale'] }
const personal = async (token: string | Promise<string>) => {
  const { name, email, email_verified, locale } = decodeJwt(await token)
  return { name, email, email_verified, locale }
}

test('OIDC Core §5.1 a token carries the claims that its upstream lists, and leaves out what is unknown', async () => {
  const { tokens } = world()
  const known = { ...ADA, user: { ...ADA.user, emailVerified: true }, language: 'zh-CN' as const }
  expect(await personal(tokens.tokenFor(PERSONAL, known, false))).toEqual({
    name: 'ada',
    email: 'ada@example.org',
    email_verified: true,
    locale: 'zh-CN',
  })
  const some: Upstream = { ...BOOKS, claims: ['email_verified'] }
  expect(await personal(tokens.tokenFor(some, ADA, false))).toEqual({ email_verified: false })
  const bob = caller('bob')
  const nameless = { ...bob, user: { ...bob.user, email: null } }
  expect(Object.keys(decodeJwt(await tokens.tokenFor(PERSONAL, nameless, false)))).not.toContain('email_verified')
  expect(await personal(tokens.tokenFor(PERSONAL, nameless, false))).toEqual({ name: 'bob' })
})

test('a changed name, address, verification or language is in the next token, and only where it is listed', async () => {
  const { tokens, minted } = world()
  const plain = await tokens.tokenFor(BOOKS, ADA, false)
  await tokens.tokenFor(PERSONAL, ADA, false)
  for (const change of [{ name: 'Ada L.' }, { email: 'a@example.org' }, { emailVerified: true }]) {
    const changed = { ...ADA, user: { ...ADA.user, ...change } }
    expect(await personal(tokens.tokenFor(PERSONAL, changed, false))).toMatchObject(
      'emailVerified' in change ? { email_verified: true } : change,
    )
    expect(await tokens.tokenFor(BOOKS, changed, false)).toBe(plain)
  }
  expect(await personal(tokens.tokenFor(PERSONAL, { ...ADA, language: 'en' }, false))).toMatchObject({ locale: 'en' })
  const before = minted()
  expect(await tokens.tokenFor(BOOKS, { ...ADA, language: 'en' }, false)).toBe(plain)
  expect(minted()).toBe(before)
})

test('with the longest name and address a token still fits into a header', async () => {
  const { tokens } = world(300_000, 'RS256')
  const ada = { ...ADA.user, name: '龙'.repeat(MAX_NAME_LENGTH), email: `${'é'.repeat(MAX_EMAIL_LENGTH)}` }
  const token = await tokens.tokenFor(PERSONAL, { ...ADA, user: ada, language: 'zh-CN' }, false)
  expect(token.length).toBeLessThan(2500)
})

test.each(UPSTREAM_TOKEN_ALGS)('JW-1 JW-2 an upstream token is an RFC 9068 access token signed with %s', async alg => {
  const { tokens, signing, verify } = world(300_000, alg)
  const token = await tokens.tokenFor(ORDERS, ADA, false)
  const { payload, protectedHeader } = await verify(token)
  expect(protectedHeader).toEqual({ alg, kid: signing.signer(AT).kid, typ: 'at+jwt' })
  expect(payload).toEqual({
    iss: ISSUER,
    aud: 'https://orders.example.org',
    sub: 'user-ada',
    client_id: 'porchlight',
    iat: AT / 1000,
    exp: AT / 1000 + 300,
    jti: expect.stringMatching(/^[\w-]{22}$/),
    auth_time: Math.floor((AT - 4_321) / 1000),
    acr: 'aal1',
    amr: ['pwd'],
    sid: 'public-ada',
    roles: ['user'],
  })
})

test('JW-2 scope is present if the upstream has scopes, and no two tokens share a jti', async () => {
  const { tokens } = world()
  expect(decodeJwt(await tokens.tokenFor(BOOKS, ADA, false))['scope']).toBe('read write')
  const ids = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => decodeJwt(await tokens.tokenFor(ORDERS, caller(`p${i}`), false)).jti),
  )
  expect(new Set(ids).size).toBe(50)
})

test('JW-4 NI-18 auth_time and amr stay the same through refreshes and every new token', async () => {
  const { tokens, time } = world()
  const seen: JWTPayload[] = []
  for (let i = 0; i < 5; i++) {
    // A refresh only moves the access token's end and the idle end.
    const renewed = {
      ...ADA,
      session: { ...ADA.session, accessEndsAt: time.wall + 900_000, idleEndsAt: time.wall + 43_200_000 },
    }
    seen.push(decodeJwt(await tokens.tokenFor(ORDERS, renewed, false)))
    time.wall += 600_000
  }
  expect(new Set(seen.map(({ jti }) => jti)).size).toBe(5)
  for (const { auth_time, amr } of seen)
    expect({ auth_time, amr }).toEqual({ auth_time: Math.floor((AT - 4_321) / 1000), amr: ['pwd'] })
})

test('one token per session and upstream is cached until a minute before it expires', async () => {
  const { tokens, time, minted } = world()
  const first = await tokens.tokenFor(ORDERS, ADA, false)
  time.wall = AT + 239_999
  expect(await tokens.tokenFor(ORDERS, ADA, false)).toBe(first)
  expect(minted()).toBe(1)
  time.wall = AT + 240_000
  expect(await tokens.tokenFor(ORDERS, ADA, false)).not.toBe(first)
})

test('a short-lived token is cached until the last fifth of its lifetime', () => {
  expect(usableUntil({ iat: 100, exp: 400 })).toBe(340_000)
  expect(usableUntil({ iat: 100, exp: 3700 })).toBe(3_640_000)
  expect(usableUntil({ iat: 100, exp: 110 })).toBe(108_000)
})

test('no token outlives its session, and none is issued past its absolute end', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -5_000, max: 900_000 }),
      fc.integer({ min: 1000, max: 600_000 }),
      fc.integer({ min: 0, max: 999 }),
      (left, life, part) => {
        const now = AT + part
        let exp: number
        try {
          ;({ exp } = lifeOf(now + left, life, now))
        } catch (error) {
          expect(error).toMatchObject({ code: 'not_signed_in' })
          expect(left).toBeLessThan(1000)
          return
        }
        expect(exp * 1000).toBeLessThanOrEqual(now + left)
        expect(exp * 1000).toBeGreaterThan(now)
        expect(exp * 1000).toBeLessThanOrEqual(now + life)
      },
    ),
  )
  const { tokens, time } = world()
  time.wall = ADA.session.absoluteEndsAt
  await expect(tokens.tokenFor(ORDERS, ADA, false)).rejects.toMatchObject({ code: 'not_signed_in' })
})

test('after the clock was set back, no token dated in the future is used', async () => {
  const { tokens, time, verify } = world()
  const early = await tokens.tokenFor(ORDERS, ADA, false)
  time.wall -= 120_000
  const late = await tokens.tokenFor(ORDERS, ADA, false)
  expect(late).not.toBe(early)
  expect((await verify(late)).payload.iat).toBe((AT - 120_000) / 1000)
})

test('a hundred concurrent calls share one token', async () => {
  const { tokens, minted } = world()
  const all = await Promise.all(Array.from({ length: 100 }, () => tokens.tokenFor(ORDERS, ADA, false)))
  expect(new Set(all).size).toBe(1)
  expect(minted()).toBe(1)
})

test('a token that an upstream refused is not reused; calls refused together share the new one', async () => {
  const { tokens, time, minted } = world()
  const refused = await tokens.tokenFor(ORDERS, ADA, false)
  const again = await Promise.all(Array.from({ length: 20 }, () => tokens.tokenFor(ORDERS, ADA, true)))
  expect(new Set(again).size).toBe(1)
  expect(again[0]).not.toBe(refused)
  expect(await tokens.tokenFor(ORDERS, ADA, false)).toBe(again[0])
  expect(minted()).toBe(2)
  time.wall += 5_000
  expect(await tokens.tokenFor(ORDERS, ADA, true)).not.toBe(again[0])
})

test('changed roles are in the next token', async () => {
  const { tokens } = world()
  const before = await tokens.tokenFor(ORDERS, caller('ada', ['admin', 'user']), false)
  expect(await tokens.tokenFor(ORDERS, caller('ada', ['user', 'admin']), false)).toBe(before)
  const after = await tokens.tokenFor(ORDERS, caller('ada', ['user']), false)
  expect(decodeJwt(after)['roles']).toEqual(['user'])
  expect(decodeJwt(await tokens.tokenFor(ORDERS, caller('ada', ['admin', 'user']), false))['roles']).toEqual([
    'admin',
    'user',
  ])
})

test('BBA-17 a thousand interleaved calls of two users to two upstreams each get the token of their session and upstream', async () => {
  const { tokens, time, verify } = world(10_000)
  const people = [caller('ada'), caller('bob', ['admin'])]
  const calls = Array.from({ length: 1000 }, async (_, i) => {
    const who = people[i % 2] ?? ADA
    const where = i % 3 === 0 ? ORDERS : BOOKS
    // Occasionally a token is refused or expires, or time passes while others are being signed.
    if (i % 7 === 0) await Promise.resolve()
    if (i % 50 === 0) time.wall += 1000
    const token = await tokens.tokenFor(where, who, i % 11 === 0)
    return { who, where, token }
  })
  for (const { who, where, token } of await Promise.all(calls)) {
    const { payload } = await verify(token, where.audience, { currentDate: new Date(AT) })
    expect(payload).toMatchObject({
      sub: who.user.id,
      sid: who.session.publicId,
      roles: who.user.roles,
      aud: where.audience,
    })
  }
})

test("BBA-17 a session paired with another user's account gets no token", async () => {
  const { tokens, minted } = world()
  await expect(tokens.tokenFor(ORDERS, { ...ADA, user: caller('bob').user }, false)).rejects.toMatchObject({
    code: 'internal',
  })
  expect(minted()).toBe(0)
})

test("JW-2 ASVS 9.2.3 a token for one upstream fails another's audience check", async () => {
  const { tokens, verify } = world()
  const token = await tokens.tokenFor(ORDERS, ADA, false)
  await expect(verify(token, BOOKS.audience)).rejects.toMatchObject({
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
    claim: 'aud',
  })
  await expect(verify(token)).resolves.toBeDefined()
})

test('an ended session gets no token: neither a cached one, nor a new one, nor the one being signed', async () => {
  const { tokens } = world()
  await tokens.tokenFor(BOOKS, ADA, false)
  const underWay = tokens.tokenFor(ORDERS, ADA, false)
  tokens.forget(ADA.session.publicId)
  await expect(underWay).rejects.toMatchObject({ code: 'not_signed_in' })
  for (const where of [ORDERS, BOOKS]) {
    for (const fresh of [false, true])
      await expect(tokens.tokenFor(where, ADA, fresh)).rejects.toMatchObject({ code: 'not_signed_in' })
  }
  await expect(tokens.tokenFor(ORDERS, caller('bob'), false)).resolves.toBeTypeOf('string')
})

test('a failure to sign is not cached', async () => {
  const signing = testSigning(AT)
  let broken = true
  const tokens = createUpstreamTokens({
    clock: { now: () => ({ wall: AT, steady: 0 }) },
    publicUrl: ISSUER,
    upstreamTokenMs: 300_000,
    signing: {
      signer: now => (broken ? { kid: 'x', alg: 'RS256', key: signing.signer(now).key } : signing.signer(now)),
    },
  })
  await expect(tokens.tokenFor(ORDERS, ADA, false)).rejects.toThrow()
  broken = false
  await expect(tokens.tokenFor(ORDERS, ADA, false)).resolves.toBeTypeOf('string')
})

test('JW-12 our cookies are not accepted as upstream tokens, nor upstream tokens as our cookies', async () => {
  const { tokens, verify } = world()
  const keyring = createKeyring([newRoot(AT)])
  const own = createTokens(keyring)
  const sid = 'A'.repeat(22)
  const row = {
    userId: 'user-ada',
    generation: 1,
    tagKeyId: keyring.currentId,
    secret: Buffer.alloc(32),
    authTime: AT,
    amr: ['pwd'],
  } as unknown as SessionRecord
  const access = own.sealAccess(sid, row, { issuedAt: AT, endsAt: AT + 900_000 })
  const refresh = own.refresh(sid, row, 1)
  for (const cookie of [access, refresh, keyring.seal('login', {}), keyring.seal('device', {})])
    await expect(verify(cookie)).rejects.toThrow()

  const token = await tokens.tokenFor(ORDERS, ADA, false)
  expect(await own.openAccess(token)).toBeNull()
  expect(parseRefresh(token)).toBeNull()
  for (const purpose of ['access', 'login', 'device', 'form', 'at-rest'] as const)
    expect(await keyring.open(purpose, token)).toBeNull()
  // Nor is it accepted as another kind of JWT, such as a logout token or an ID token.
  for (const typ of ['logout+jwt', 'JWT', 'dpop+jwt'])
    await expect(verify(token, ORDERS.audience, { typ })).rejects.toMatchObject({ claim: 'typ' })
})

test("JW-8 a token names its key's algorithm, and is rejected under any other", async () => {
  const { tokens, verify } = world()
  const token = await tokens.tokenFor(ORDERS, ADA, false)
  expect(decodeProtectedHeader(token).alg).toBe('ES256')
  for (const alg of ['none', 'HS256', 'RS256', 'es256']) {
    const [, payload, signature] = token.split('.')
    const forged = [
      Buffer.from(JSON.stringify({ ...decodeProtectedHeader(token), alg })).toString('base64url'),
      payload,
      signature,
    ].join('.')
    await expect(verify(forged, ORDERS.audience, { algorithms: ['ES256', 'RS256', 'Ed25519'] })).rejects.toThrow()
  }
})
