import { exportJWK, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import type { Change } from '../../support/hostile-provider.ts'
import { expectRefused, HOSTILE, hostileStageOfFile, signInAt } from '../../support/hostile-stage.ts'
import { sleep } from '../../support/server.ts'

// A provider whose keys change, and one that goes away altogether.
const stage = hostileStageOfFile()

describe('keys', () => {
  test('OI-10 however many tokens name keys that nobody knows, keys are asked for once in a while', async () => {
    const { hostile, server } = stage
    const fetches = () => hostile.requests.filter(request => request === 'GET /jwks').length
    const before = fetches()
    const started = Date.now()
    let count = 0
    hostile.change = { header: header => (header.kid = `unknown-${count++}`) }
    const answers = await Promise.all(Array.from({ length: 30 }, () => signInAt(new Visitor(server.origin), hostile)))
    const elapsed = Date.now() - started
    for (const { headers } of answers)
      expect(headers.location).toBe(`/sign-in?problem=provider_answer_invalid&provider=${HOSTILE}&returnTo=%2Faccount`)
    expect(count).toBe(30)
    expect(fetches() - before).toBeLessThanOrEqual(1 + Math.floor(elapsed / 1000))
  })

  test('OI-10 a provider that changes its keys is understood again by itself', async () => {
    await stage.hostile.rotateKeys()
    const browser = new Visitor(stage.server.origin)
    await sleep(1000)
    expect((await signInAt(browser, stage.hostile)).headers.location).toBe('/account')
    expect((await stage.resident.session()).user?.name).toBe('Vera Visitor')
  })

  test('OI-10 a provider that gives a new key the id of the old one is understood again, too', async () => {
    const { hostile, server } = stage
    hostile.change = {
      keys: keys => keys.forEach(key => Object.assign(key, { kid: 'only' })),
      header: header => (header.kid = 'only'),
    }
    const browsers = [new Visitor(server.origin), new Visitor(server.origin)] as const
    for (const browser of browsers) {
      await sleep(1000)
      expect((await signInAt(browser, hostile)).headers.location).toBe('/account')
      await hostile.rotateKeys()
    }
  })

  test('OI-10 a token without a key id is tried with each key that fits', async () => {
    const { hostile, server } = stage
    const others = await Promise.all(
      [1, 2].map(async () => ({
        ...(await exportJWK((await generateKeyPair('RS256')).publicKey)),
        alg: 'RS256',
        use: 'sig',
      })),
    )
    hostile.change = { keys: keys => void keys.unshift(...others), header: header => void delete header.kid }
    await sleep(1000)
    expect((await signInAt(new Visitor(server.origin), hostile)).headers.location).toBe('/account')
  })

  test.each(['logout+jwt', 'at+jwt', 'application/at+jwt', 'AT+JWT'])(
    'OI-3 an ID token typed as %s is none',
    async typ => {
      stage.hostile.change = { header: header => (header.typ = typ) }
      const browser = new Visitor(stage.server.origin)
      await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
    },
  )

  test('OI-3 keys that are for something else are not taken', async () => {
    const browser = new Visitor(stage.server.origin)
    stage.hostile.change = { keys: keys => keys.forEach(key => Object.assign(key, { use: 'enc' })) }
    await stage.hostile.rotateKeys()
    await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
  })
})

const NULLS = { auth_time: null, azp: null, acr: null, amr: null, sid: null, nbf: null, email: null, at_hash: null }
const SAID: [string, Change][] = [
  [
    'nulls in the answer of the token endpoint',
    {
      tokens: tokens =>
        void Object.assign(tokens, { scope: null, refresh_token: null, expires_in: null, session_state: null }),
    },
  ],
  ['nulls in the ID token', { claims: claims => void Object.assign(claims, NULLS) }],
  [
    'nulls in user-info',
    {
      userInfo: claims =>
        void Object.assign(claims, { email: null, email_verified: null, groups: null, address: null }),
    },
  ],
  ['an auth_time in fractions', { claims: claims => (claims['auth_time'] = 1_795_870_570.876_543_3) }],
  ['an exp without bounds', { claims: claims => (claims.exp = 1e17) }],
  [
    'an iat and an exp in fractions',
    { claims: claims => void Object.assign(claims, { iat: Date.now() / 1000, exp: Date.now() / 1000 + 60.5 }) },
  ],
  ...['300', 300.75, -5, 0, 1e300, 'NaN', {}].map((life): [string, Change] => [
    `a life of ${JSON.stringify(life)}`,
    { tokens: tokens => (tokens['expires_in'] = life) },
  ]),
]
describe('what a provider says in its own way', () => {
  // The keys changed just before, and are asked for once a second.
  beforeAll(() => sleep(1000))

  test.each(SAID)('OI-2 %s: the sign-in works', async (_title, change) => {
    stage.hostile.change = change
    const browser = new Visitor(stage.server.origin)
    expect((await signInAt(browser, stage.hostile)).headers.location).toBe('/account')
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
  })

  test.each([
    ['1e17', 1e17],
    ['a negative one', -1],
    ['text', 'soon'],
  ])(
    'OI-2 an auth_time that no clock shows (%s) signs nobody in, and is no error of ours',
    async (_title, authTime) => {
      stage.hostile.change = { claims: claims => (claims['auth_time'] = authTime) }
      const browser = new Visitor(stage.server.origin)
      await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
    },
  )
})

test('the whole provider gone away: a clear page, residents stay, and it works again by itself', async () => {
  const { hostile, server } = stage
  await hostile.rotateKeys()
  const browser = new Visitor(server.origin)
  const { headers } = await browser.page(`/auth/login/${HOSTILE}?returnTo=/account`)
  await hostile.stop()
  const back = new URL(headers.location ?? '').searchParams
  const answer = await browser.page(
    `/auth/callback/${HOSTILE}?code=any&state=${encodeURIComponent(back.get('state') ?? '')}&iss=${encodeURIComponent(hostile.issuer)}`,
  )
  await expectRefused(stage, browser, answer, 'provider_unavailable')
  await hostile.start()
  await expect
    .poll(async () => (await signInAt(browser, hostile)).headers.location, { timeout: 30_000, interval: 1000 })
    .toBe('/account')
})

test('OA-21 no failure of a provider is an error of ours, and no secret of one is in the log', () => {
  expect(stage.server.output).not.toMatch(/"status":500/)
  expect(stage.hostile.secrets.filter(secret => stage.server.output.includes(secret))).toEqual([])
})
