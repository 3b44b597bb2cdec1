import { createSecretKey } from 'node:crypto'
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { systemClock } from '../base/clock.ts'
import { createProviderKeys } from './provider-keys.ts'
import { readLogoutToken } from './logout-token.ts'
import type { ProviderClient } from './types.ts'

const NOW = Date.UTC(2026, 10, 24)
const at = (seconds: number) => NOW / 1000 + seconds
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const GOOD = {
  iss: 'https://main.example',
  aud: 'porch',
  sub: 'ada',
  sid: 'there-1',
  iat: at(-5),
  exp: at(115),
  jti: 'once',
  events: EVENTS,
}

let pair: Awaited<ReturnType<typeof generateKeyPair>>
let stranger: typeof pair
let client: ProviderClient
beforeAll(async () => {
  pair = await generateKeyPair('ES256', { extractable: true })
  stranger = await generateKeyPair('ES256')
  const set = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' }] }
  const keys = createProviderKeys({
    url: 'https://main.example/jwks',
    fetch: async () => Response.json(set),
    clock: systemClock,
  })
  client = {
    provider: { id: 'main', issuer: GOOD.iss, clientId: 'porch', clockToleranceSeconds: 120 },
    keys,
    algorithms: ['ES256', 'RS256'],
  } as unknown as ProviderClient
})

function signed(
  claims: JWTPayload,
  header: { alg?: string; typ?: string | undefined; kid?: string } = {},
  key: Parameters<SignJWT['sign']>[0] = pair.privateKey,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'logout+jwt', kid: 'k1', ...header } as JWTHeaderParameters)
    .sign(key)
}

const read = (token: string) =>
  readLogoutToken(client, token, NOW).catch((error: unknown) => (error instanceof Problem ? error.code : error))
const without = (name: keyof typeof GOOD) =>
  Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name)) as JWTPayload

describe('a logout token', () => {
  test('LO-2 of the right type, signed by the provider, for our client and recent, is accepted', async () => {
    expect(await read(await signed(GOOD))).toEqual({
      issuer: GOOD.iss,
      subject: 'ada',
      sid: 'there-1',
      jti: 'once',
      alg: 'ES256',
      endsAt: at(115 + 120) * 1000,
    })
  })

  test('LO-6 may identify a session, a user, or both', async () => {
    expect(await read(await signed(without('sid')))).toMatchObject({ subject: 'ada', sid: null })
    expect(await read(await signed(without('sub')))).toMatchObject({ subject: null, sid: 'there-1' })
  })

  test('from a clock two minutes off is accepted', async () => {
    expect(await read(await signed({ ...GOOD, iat: at(119), exp: at(239) }))).toMatchObject({ jti: 'once' })
    expect(await read(await signed({ ...GOOD, iat: at(-239), exp: at(-119) }))).toMatchObject({ jti: 'once' })
  })

  test.each([
    ['no type', undefined],
    ['JWT', 'JWT'],
    ['jwt', 'jwt'],
    ['application/JWT', 'application/JWT'],
    ['application/logout+jwt', 'application/logout+jwt'],
    ['LOGOUT+JWT', 'LOGOUT+JWT'],
  ])('LO-2 typed as %s is accepted, as Dex and Hydra send it', async (_title, typ) => {
    expect(await read(await signed(GOOD, { typ }))).toMatchObject({ jti: 'once', subject: 'ada' })
  })

  test('LO-4 without exp is valid for a while after its iat, as Hydra sends it', async () => {
    expect(await read(await signed(without('exp'), { typ: 'JWT' }))).toMatchObject({
      jti: 'once',
      endsAt: at(-5 + 600 + 120) * 1000,
    })
    expect(await read(await signed({ ...GOOD, exp: null } as unknown as JWTPayload))).toMatchObject({
      endsAt: at(-5 + 600 + 120) * 1000,
    })
  })

  test.each([
    [1e17, -5 + 600],
    [1e300, -5 + 600],
    [at(115) + 0.876_543_3, 115],
  ])('LO-4 with exp %s is remembered for a bounded time', async (exp, endsAt) => {
    expect(await read(await signed({ ...GOOD, exp, iat: at(-5) + 0.25 }))).toMatchObject({
      endsAt: at(endsAt + 120) * 1000,
    })
  })

  test('may have null claims, which count as absent', async () => {
    expect(
      await read(
        await signed({ ...GOOD, sid: null, nonce: null, nbf: null, auth_time: null } as unknown as JWTPayload, {
          typ: 'JWT',
        }),
      ),
    ).toMatchObject({ sid: null, subject: 'ada' })
  })

  type Case = [string, () => Promise<string>]
  const cases: Case[] = [
    ['LO-2 an ID token', () => signed({ ...without('events'), auth_time: at(-9), at_hash: 'x' }, { typ: 'JWT' })],
    ...['at_hash', 'c_hash', 's_hash', 'auth_time', 'acr', 'amr', 'azp', 'scope', 'scp', 'client_id', 'cnf'].flatMap(
      claim =>
        [undefined, 'JWT'].map((typ): Case => [
          `LO-2 a token typed ${String(typ)} that has ${claim}, as another kind of token would,`,
          () => signed({ ...GOOD, [claim]: 'porch' }, { typ }),
        ]),
    ),
    ['LO-2 a token of no kind that there is', () => signed(GOOD, { typ: 'secevent+jwt' })],
    ['LO-2 a type that is no text', () => signed(GOOD, { typ: ['logout+jwt'] as unknown as string })],
    ['LO-4 no exp, of long ago', () => signed({ ...without('exp'), iat: at(-3600) })],
    ['LO-4 an iat that is too large for any clock', () => signed({ ...GOOD, iat: 1e17 })],
    ['LO-4 a negative iat', () => signed({ ...GOOD, iat: -1 })],
    ['LO-4 an exp that is text', () => signed({ ...GOOD, exp: 'soon' as unknown as number })],
    ['LO-2 an access token (typ at+jwt)', () => signed(GOOD, { typ: 'at+jwt' })],
    ["LO-3 another's signature", () => signed(GOOD, {}, stranger.privateKey)],
    ['LO-3 an unknown key', () => signed(GOOD, { kid: 'k2' })],
    ['LO-3 alg none', async () => new UnsecuredJWT(GOOD).encode()],
    [
      'LO-3 HS256 with the public key',
      async () => signed(GOOD, { alg: 'HS256' }, createSecretKey(Buffer.from(await exportSPKI(pair.publicKey)))),
    ],
    ['LO-3 another issuer', () => signed({ ...GOOD, iss: 'https://main.example/' })],
    ['LO-3 another audience', () => signed({ ...GOOD, aud: 'another' })],
    ['LO-3 no issuer', () => signed(without('iss'))],
    ['LO-3 no audience', () => signed(without('aud'))],
    ['LO-4 no iat', () => signed(without('iat'))],
    ['LO-4 from the future', () => signed({ ...GOOD, iat: at(125), exp: at(240) })],
    ['LO-4 run out', () => signed({ ...GOOD, iat: at(-300), exp: at(-125) })],
    ['LO-4 of long ago, though good for a year', () => signed({ ...GOOD, iat: at(-3600), exp: at(31_536_000) })],
    ['LO-5 no events', () => signed(without('events'))],
    ['LO-5 another event', () => signed({ ...GOOD, events: { 'http://schemas.openid.net/event/other': {} } })],
    [
      'LO-5 an event that is no object',
      () => signed({ ...GOOD, events: { 'http://schemas.openid.net/event/backchannel-logout': 'yes' } }),
    ],
    [
      'LO-5 events that are text',
      () => signed({ ...GOOD, events: 'http://schemas.openid.net/event/backchannel-logout' }),
    ],
    ['LO-5 a nonce', () => signed({ ...GOOD, nonce: 'n' })],
    ['LO-5 no jti', () => signed(without('jti'))],
    ['LO-5 an empty jti', () => signed({ ...GOOD, jti: '' })],
    [
      'LO-6 neither sub nor sid',
      () => signed(Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== 'sub' && key !== 'sid'))),
    ],
    ['LO-6 a sid that is no text', () => signed({ ...GOOD, sid: ['there-1', 'there-2'] })],
    ['no token at all', async () => 'not a token'],
  ]
  test.each(cases)('%s is rejected', async (_title, make) => {
    expect(await read(await make())).toBe('bad_request')
  })

  test('is not rejected for good while the keys are unavailable, so that the provider may send it again', async () => {
    const keys = createProviderKeys({
      url: 'https://main.example/jwks',
      fetch: async () => Promise.reject(new TypeError('fetch failed')),
      clock: systemClock,
    })
    const down = { ...client, keys }
    const token = await signed(GOOD)
    await expect(readLogoutToken(down, token, NOW)).rejects.toMatchObject({ code: 'provider_unavailable' })
  })
})
