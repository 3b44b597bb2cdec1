import fc from 'fast-check'
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import type { Upstream } from '../../config/upstream-config.ts'
import type { SigningAlg } from '../../keys/signing-key.ts'
import { leadMs } from '../../keys/signing-schedule.ts'
import { memoryKeys, SIGNING, testSigning } from '../../keys/keys.testing.ts'
import { createUpstreamTokens } from '../../relay/upstream-tokens.ts'
import type { RelayCaller } from '../../relay/types.ts'
import { answerJwks } from './serve-jwks.ts'
import { type Reply, toResponse } from '../response/reply.ts'

const AT = 1_800_000_000_000
const LEAD = leadMs(SIGNING)
const ISSUER = 'https://example.org'
const ORDERS = {
  name: 'orders',
  audience: 'orders',
  tokenType: 'at+jwt',
  claims: [],
  scopes: [],
} as unknown as Upstream
const caller = (who: string): RelayCaller => ({
  user: {
    id: who,
    email: `${who}@example.org`,
    emailVerified: false,
    secondFactorAt: null,
    name: who,
    roles: ['user'],
  },
  language: null,
  session: {
    publicId: `s-${who}`,
    userId: who,
    createdAt: AT,
    authTime: AT,
    amr: ['pwd'],
    remember: true,
    accessEndsAt: null,
    idleEndsAt: AT * 2,
    absoluteEndsAt: AT * 2,
  },
})

afterEach(() => {
  vi.useRealTimers()
})

const headerOf = ({ headers }: Reply, name: string) => headers[headers.indexOf(name) + 1]

test('JW-15 keys are published with kid, use and alg, and without private members', () => {
  const signing = testSigning(AT)
  signing.rotate(AT)
  const reply = answerJwks({ clock: { now: () => ({ wall: AT, steady: 0 }) }, signing, jwksMaxAgeMs: 600_000 })({
    headers: {},
  })
  expect(reply.status).toBe(200)
  expect(headerOf(reply, 'Content-Type')).toBe('application/jwk-set+json')
  const { keys } = JSON.parse(String(reply.body)) as { keys: object[] }
  expect(keys).toHaveLength(2)
  for (const key of keys) expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('JW-17 the max-age is shorter than the time that a new key is published before it signs', () => {
  const reply = answerJwks({
    clock: { now: () => ({ wall: AT, steady: 0 }) },
    signing: testSigning(AT),
    jwksMaxAgeMs: SIGNING.jwksMaxAgeMs,
  })({ headers: {} })
  const maxAge = /^public, max-age=(\d+)$/.exec(headerOf(reply, 'Cache-Control') ?? '')?.[1]
  expect(Number(maxAge) * 1000).toBe(SIGNING.jwksMaxAgeMs)
  expect(LEAD).toBeGreaterThanOrEqual(2 * Number(maxAge) * 1000)
})

test('a client with the current keys gets 304 until they change', async () => {
  const signing = testSigning(AT)
  const answer = answerJwks({ clock: { now: () => ({ wall: AT, steady: 0 }) }, signing, jwksMaxAgeMs: 600_000 })
  const tag = headerOf(answer({ headers: {} }), 'ETag') ?? ''
  const held = toResponse(answer({ headers: { 'if-none-match': `"other", W/${tag}` } }))
  expect([held.status, await held.text(), held.headers.get('Cache-Control')]).toEqual([304, '', 'public, max-age=600'])
  signing.rotate(AT)
  expect(answer({ headers: { 'if-none-match': tag } }).status).toBe(200)
})

type Reader = 'direct' | 'behind' | 'alsoBehind'

/**
 * Porchlight and its upstreams over simulated time (jose's cache reads Date).
 * @param overstay by which factor upstreams cache the keys for longer than allowed
 */
function world(overstay = 1) {
  vi.useFakeTimers({ toFake: ['Date'], now: AT })
  const now = () => Date.now()
  const clock = { now: () => ({ wall: now(), steady: 0 }) }
  const keys = memoryKeys()
  let settings = SIGNING
  let signing = testSigning(now(), settings, keys)
  const makeTokens = () =>
    createUpstreamTokens({ clock, signing, publicUrl: ISSUER, upstreamTokenMs: settings.upstreamTokenMs })
  let tokens = makeTokens()

  const fromServer = () =>
    Promise.resolve(toResponse(answerJwks({ clock, signing, jwksMaxAgeMs: settings.jwksMaxAgeMs })({ headers: {} })))
  /** An intermediate cache that keeps responses for their max-age and sends no Age. */
  let cached: { text: string; until: number } | null = null
  const throughProxy = async () => {
    if (cached === null || now() >= cached.until) {
      const response = await fromServer()
      cached = {
        text: await response.text(),
        until: now() + Number(/max-age=(\d+)/.exec(response.headers.get('Cache-Control') ?? '')?.[1]) * 1000,
      }
    }
    return new Response(cached.text)
  }
  // No upstream here refetches keys when it meets an unknown key id: correctness must not depend on that.
  const upstream = (fetch: () => Promise<Response>) =>
    createRemoteJWKSet(new URL('https://example.org/.well-known/jwks.json'), {
      [customFetch]: fetch,
      cacheMaxAge: settings.jwksMaxAgeMs * overstay,
      cooldownDuration: Infinity,
    })
  const upstreams = { direct: upstream(fromServer), behind: upstream(throughProxy), alsoBehind: upstream(throughProxy) }

  return {
    pass: (ms: number) => vi.setSystemTime(now() + ms),
    rotate: () => signing.rotate(now()),
    tidy: () => signing.removeRetired(now()),
    /** Advances to a time when a key's use changes, or just before or after. */
    passToChange(off: number) {
      const changes = signing
        .list(now())
        .flatMap(({ signsAt, retiresAt }) => [signsAt, retiresAt ?? 0])
        .filter(at => at + off > now())
      if (changes.length > 0) vi.setSystemTime(Math.min(...changes) + off)
    },
    /** Another process with the same key file. */
    restart(alg: SigningAlg) {
      settings = { ...settings, upstreamTokenAlg: alg }
      signing = testSigning(now(), settings, keys)
      tokens = makeTokens()
    },
    replaceAll: () => signing.replaceAll(now()),
    mint: (who: string) => tokens.tokenFor(ORDERS, caller(who), false),
    isOver: (token: string) =>
      Number(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp) * 1000 <= now(),
    verify: (upstream: Reader, token: string) =>
      jwtVerify(token, upstreams[upstream], {
        issuer: ISSUER,
        audience: 'orders',
        typ: 'at+jwt',
        algorithms: ['ES256', 'Ed25519'],
        currentDate: new Date(now()),
      }),
  }
}

const reader = fc.constantFrom<Reader>('direct', 'behind', 'alsoBehind')
const wait = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 0, max: SIGNING.upstreamTokenMs }),
  fc.integer({ min: 0, max: 2 * LEAD }),
)
const step = fc.oneof(
  { weight: 3, arbitrary: wait.map(ms => ({ kind: 'wait' as const, ms })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(-60_000, -1000, -1, 0, 1, 1000).map(off => ({ kind: 'change' as const, off })),
  },
  { weight: 5, arbitrary: fc.nat(8).map(who => ({ kind: 'call' as const, who: `p${who}` })) },
  { weight: 5, arbitrary: reader.map(upstream => ({ kind: 'verify' as const, upstream })) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('across' as const),
      off: fc.integer({ min: 1, max: 240_000 }),
      upstream: reader,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'rotate' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'tidy' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<SigningAlg>('ES256', 'Ed25519').map(alg => ({ kind: 'restart' as const, alg })),
  },
)

const MAX_AGE = SIGNING.jwksMaxAgeMs

test('JW-16 no valid token is refused through any rotations, by upstreams that cache the keys as long as allowed', async () => {
  const seen = { verified: 0, keys: new Set<string>(), twoKeys: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async steps => {
      const w = world()
      let held: string[] = []
      const call = async (who: string) => {
        held = [...held.slice(-5), await w.mint(who)]
      }
      const verify = async (upstream: Reader) => {
        held = held.filter(token => !w.isOver(token))
        const kids = held.map(token => decodeProtectedHeader(token).kid ?? '')
        for (const token of held) await w.verify(upstream, token)
        seen.verified += held.length
        for (const kid of kids) seen.keys.add(kid)
        if (new Set(kids).size > 1) seen.twoKeys++
      }
      for (const one of steps) {
        switch (one.kind) {
          case 'wait':
            w.pass(one.ms)
            break
          case 'change':
            w.passToChange(one.off)
            break
          case 'call':
            await call(one.who)
            break
          case 'rotate':
            w.rotate()
            break
          case 'tidy':
            w.tidy()
            break
          case 'restart':
            w.restart(one.alg)
            break
          case 'verify':
            await verify(one.upstream)
            break
          case 'across': {
            w.passToChange(-one.off)
            await call('ada')
            w.pass(one.off)
            await call('bob')
            await verify(one.upstream)
            break
          }
          default:
            one satisfies never
        }
      }
    }),
    { numRuns: 30, endOnFailure: true },
  )
  // Otherwise nothing was proven.
  expect(seen.verified).toBeGreaterThan(500)
  expect(seen.keys.size).toBeGreaterThan(40)
  expect(seen.twoKeys).toBeGreaterThan(10)
}, 60_000)

test.each([1, 1000, MAX_AGE / 2, MAX_AGE - 2, MAX_AGE - 1])(
  'JW-16 an upstream behind a cache without Age may have keys as old as twice the max-age: fetched %d ms after the cache did',
  async later => {
    for (const rotatedAfter of [0, 1, later]) {
      const w = world()
      await w.verify('behind', await w.mint('ada'))
      w.pass(rotatedAfter)
      w.rotate()
      w.pass(later - rotatedAfter)
      await w.verify('alsoBehind', await w.mint('ada'))
      w.passToChange(0)
      await w.verify('alsoBehind', await w.mint('bob'))
      vi.useRealTimers()
    }
  },
)

test('JW-16 the bound is tight: an upstream that caches the keys for longer than the lead refuses a valid token', async () => {
  const w = world(2.5)
  await w.verify('direct', await w.mint('ada'))
  w.pass(1)
  w.rotate()
  w.pass(LEAD - 1)
  await w.verify('direct', await w.mint('ada'))
  w.pass(1)
  const token = await w.mint('bob')
  await expect(w.verify('direct', token)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

test('an upstream that calls every few seconds through a rotation is never refused, and sees the key change', async () => {
  const w = world()
  const kids = new Set<string>()
  for (let second = 0; second < (2 * LEAD) / 1000; second += 5) {
    if (second === 5) w.rotate()
    if (second % 60 === 0) w.tidy()
    const token = await w.mint(`p${second % 3}`)
    kids.add(decodeProtectedHeader(token).kid ?? '')
    for (const upstream of ['direct', 'behind'] as const) await w.verify(upstream, token)
    w.pass(5000)
  }
  expect(kids.size).toBe(2)
})

test('tokens of compromised keys are refused once an upstream fetches the keys again', async () => {
  const w = world()
  const stolen = await w.mint('ada')
  await w.verify('direct', stolen)
  w.replaceAll()
  // Until then it may accept them: its cache is beyond our control.
  await w.verify('direct', stolen)
  await expect(w.verify('alsoBehind', stolen)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  w.restart('ES256')
  await w.verify('alsoBehind', await w.mint('bob'))
})
