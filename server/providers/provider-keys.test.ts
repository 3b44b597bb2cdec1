import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SECOND } from '../base/clock.ts'
import { createProviderKeys, type ProviderKeys, type TokenKind } from './provider-keys.ts'

type Pair = Awaited<ReturnType<typeof generateKeyPair>>

let pairs: Pair[]
let published: JWK[] | number | TypeError
let fetches: number
let steady: number
let keys: ProviderKeys
beforeAll(async () => {
  pairs = await Promise.all([1, 2, 3].map(() => generateKeyPair('ES256', { extractable: true })))
})
beforeEach(async () => {
  published = [await publicOf(0, 'one')]
  fetches = 0
  steady = 1_000_000
  keys = createProviderKeys({
    url: 'https://main.example/jwks',
    clock: { now: () => ({ wall: Date.now(), steady }) },
    fetch: async () => {
      fetches++
      if (published instanceof TypeError) throw published
      return typeof published === 'number'
        ? new Response('', { status: published })
        : Response.json({ keys: published })
    },
  })
})

const publicOf = async (pair: number, kid?: string): Promise<JWK> => ({
  ...(await exportJWK(pairs[pair]?.publicKey as Pair['publicKey'])),
  alg: 'ES256',
  ...(kid === undefined ? {} : { kid }),
})
const signedBy = (pair: number, header: Partial<JWTHeaderParameters> = {}) =>
  new SignJWT({ sub: 'ada', azp: null as unknown as string })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(pairs[pair]?.privateKey as Pair['privateKey'])
const read = (token: string, kind: TokenKind = 'id_token') =>
  keys.verify(token, kind, { algorithms: ['ES256'] }).then(
    ({ payload }) => payload.sub,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
const later = (seconds: number) => void (steady += seconds * SECOND)

describe('OI-10 keys are fetched again', () => {
  test.each<[TokenKind, number]>([
    ['id_token', 1],
    ['logout_token', 10],
  ])('for an unknown key id of an %s, once in %s s', async (kind, wait) => {
    await read(await signedBy(0, { kid: 'one' }))
    published = [await publicOf(1, 'two')]
    later(wait - 0.01)
    expect(await read(await signedBy(1, { kid: 'two' }), kind)).toBe('ERR_JWKS_NO_MATCHING_KEY')
    expect(fetches).toBe(1)
    later(0.01)
    expect(await read(await signedBy(1, { kid: 'two' }), kind)).toBe('ada')
    for (let i = 0; i < 5; i++)
      expect(await read(await signedBy(1, { kid: `unknown-${i}` }), kind)).toBe('ERR_JWKS_NO_MATCHING_KEY')
    expect(fetches).toBe(2)
  })

  test('if a signature does not match the key of that id, which may be a new one', async () => {
    await read(await signedBy(0, { kid: 'one' }))
    published = [await publicOf(1, 'one')]
    later(1)
    expect(await Promise.all(Array.from({ length: 6 }, async () => read(await signedBy(1, { kid: 'one' }))))).toEqual(
      Array.from({ length: 6 }, () => 'ada'),
    )
    expect(fetches).toBe(2)
    expect(await read(await signedBy(0, { kid: 'one' }))).toBe('ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
  })

  test.each<[string, number | TypeError]>([
    ['cannot be reached', new TypeError('the call failed')],
    ['says 503', 503],
    ['says 404', 404],
  ])('no earlier from a provider that %s, and meanwhile the same error is returned', async (_what, trouble) => {
    published = trouble
    const token = await signedBy(0, { kid: 'one' })
    const [first, second] = [await read(token), await read(token)]
    expect([second, fetches]).toEqual([first, 1])
    expect(first).not.toMatch(/^ERR_J/)
    later(1)
    published = [await publicOf(0, 'one')]
    expect(await read(token, 'logout_token')).toBe(first)
    expect(await read(token)).toBe('ada')
  })

  test('after ten minutes, before they are used', async () => {
    await read(await signedBy(0, { kid: 'one' }))
    published = [await publicOf(1, 'two')]
    later(600)
    expect(await read(await signedBy(0, { kid: 'one' }))).toBe('ERR_JWKS_NO_MATCHING_KEY')
    expect(fetches).toBe(2)
  })
})

test('for a token without a key id, every matching key is tried', async () => {
  published = [await publicOf(0), await publicOf(1, 'two'), await publicOf(2)]
  for (const pair of [0, 1, 2]) expect(await read(await signedBy(pair))).toBe('ada')
  published = [await publicOf(0), await publicOf(1)]
  later(1)
  expect(await read(await signedBy(2))).toBe('ada')
  later(600)
  expect(await read(await signedBy(2))).toBe('ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
})

test.each(['logout+jwt', 'at+jwt', 'application/at+jwt', 'secevent+jwt', 'AT+JWT'])(
  'OI-3 a token typed as %s is not an ID token',
  async typ => {
    expect(await read(await signedBy(0, { kid: 'one', typ }))).toBe('ERR_JWT_INVALID')
    expect(await read(await signedBy(0, { kid: 'one', typ }), 'logout_token')).toBe('ada')
  },
)

test('a number too large is capped at the largest safe one', async () => {
  const header = Buffer.from('{"alg":"ES256","kid":"one"}').toString('base64url')
  const signing = `${header}.${Buffer.from('{"sub":"ada","exp":1e999,"iat":1.5}').toString('base64url')}`
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    pairs[0]?.privateKey as Pair['privateKey'],
    Buffer.from(signing),
  )
  const { payload } = await keys.verify(`${signing}.${Buffer.from(signature).toString('base64url')}`, 'logout_token', {
    algorithms: ['ES256'],
  })
  expect(payload).toEqual({ sub: 'ada', exp: Number.MAX_SAFE_INTEGER, iat: 1.5 })
})

test('null claims count as absent', async () => {
  const { payload } = await keys.verify(await signedBy(0, { kid: 'one', typ: 'JWT' }), 'id_token', {
    algorithms: ['ES256'],
  })
  expect(payload).toEqual({ sub: 'ada' })
})
