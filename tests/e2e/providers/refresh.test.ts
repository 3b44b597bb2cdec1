import type { JWTPayload } from 'jose'
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, json } from '../../support/hostile-provider.ts'
import { type RefreshStage, refreshStage } from '../../support/refresh-stage.ts'
import { stopAll } from '../../support/server.ts'
import { troubles } from '../../support/troubles.ts'

// A provider in trouble, or up to something, at the moment when its tokens are refreshed.
const TROUBLES = troubles('http://127.0.0.1:1/')

type Answer = Record<string, unknown>
type Bend = (answer: Answer, provider: HostileProvider) => void | Promise<void>

const idToken =
  (change: (claims: JWTPayload) => void): Bend =>
  async (answer, provider) => {
    const claims = idClaims(provider)
    change(claims)
    answer['id_token'] = await provider.signed(claims)
  }

function idClaims(provider: HostileProvider): JWTPayload {
  const now = Math.floor(Date.now() / 1000)
  return { iss: provider.issuer, aud: CLIENT.clientId, sub: provider.person.sub, iat: now, exp: now + 300 }
}

const BENT: [string, Bend][] = [
  ['an ID token about somebody else', idToken(claims => (claims.sub = 'somebody-else'))],
  ['an ID token of another issuer', idToken(claims => (claims.iss = 'https://evil.example'))],
  ['an ID token for another client', idToken(claims => (claims.aud = 'another'))],
  ['an ID token for another client, too', idToken(claims => (claims.aud = [CLIENT.clientId, 'another']))],
  [
    'an ID token for us and another client',
    idToken(claims => Object.assign(claims, { aud: [CLIENT.clientId, 'another'], azp: CLIENT.clientId })),
  ],
  ['no access token', answer => void delete answer['access_token']],
  ['an access token that is a number', answer => void (answer['access_token'] = 1)],
  ['another kind of token', answer => void (answer['token_type'] = 'mac')],
  ['a refresh token that is none', answer => void (answer['refresh_token'] = { a: 1 })],
]

/** What Keycloak and others have been seen to send: the grant beside it is as good as any. */
const ODD: [string, Bend][] = [
  ['an ID token of a later sign-in', idToken(claims => (claims['auth_time'] = Math.floor(Date.now() / 1000) + 5))],
  ['an ID token of an earlier sign-in', idToken(claims => (claims['auth_time'] = 1))],
  ['an ID token that has run out', idToken(claims => (claims.exp = 1))],
  ['an ID token of tomorrow', idToken(claims => Object.assign(claims, { nbf: 9_999_999_999 }))],
  [
    'an ID token with times in fractions and without bounds',
    idToken(claims => Object.assign(claims, { auth_time: 1_795_870_570.876_543_3, exp: 1e17 })),
  ],
  [
    'an ID token whose every other claim is null',
    idToken(claims => Object.assign(claims, { auth_time: null, azp: null, nonce: null, sid: null, amr: null })),
  ],
  [
    'an ID token that nobody signed',
    (answer, provider) =>
      void (answer['id_token'] = new UnsecuredJWT({ ...idClaims(provider), exp: 9_999_999_999 }).encode()),
  ],
  ['an ID token that is none', answer => void (answer['id_token'] = 'x')],
  ['an ID token that is a number', answer => void (answer['id_token'] = 5)],
  [
    'nulls for everything that it does not give',
    answer =>
      void Object.assign(answer, {
        scope: null,
        refresh_token: null,
        id_token: null,
        expires_in: null,
        session_state: null,
      }),
  ],
  ['a life as text', answer => void (answer['expires_in'] = '300')],
  ['a life that is negative', answer => void (answer['expires_in'] = -5)],
  ['a life longer than any', answer => void (answer['expires_in'] = 1e300)],
  ['a life that is no number', answer => void (answer['expires_in'] = 'NaN')],
]

/** Two, since a site has twenty providers at most. */
let inTrouble: RefreshStage
let upToSomething: RefreshStage
let odd: RefreshStage

beforeAll(async () => {
  ;[inTrouble, upToSomething, odd] = await Promise.all([
    refreshStage(TROUBLES.length + 2),
    refreshStage(BENT.length + 1),
    refreshStage(ODD.length),
  ])
})
afterAll(async () => {
  await Promise.all([inTrouble?.stop(), upToSomething?.stop(), odd?.stop()])
  await stopAll()
})

describe.concurrent('network trouble ends nothing', () => {
  test.each(TROUBLES)('a token endpoint that $what', async trouble => {
    const { as, browser, call, reached, atToken, refreshes, untilItWorks } = await inTrouble.arrived()
    atToken(trouble.answer)
    const answer = await call()
    expect([answer.status, answer.json()]).toMatchObject([
      trouble.code === 'provider_unavailable' ? 503 : 502,
      { code: trouble.code, provider: as },
    ])
    expect(reached()).toBe(0)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes()
    await untilItWorks()
  })

  test('the whole provider gone away', async () => {
    const { hostile, browser, call, refreshes, untilItWorks } = await inTrouble.arrived()
    await hostile.stop()
    const answer = await call()
    expect([answer.status, answer.json()]).toMatchObject([503, { code: 'provider_unavailable' }])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes()
    await hostile.start()
    await untilItWorks()
  })

  test('a provider that was not reached has used nothing up: if it refuses once it is back, it took the grant back', async ({
    expect,
  }) => {
    // The context's own expect: which test polls is not known by the shared one while others run at once.
    const { hostile, browser, call, atToken } = await inTrouble.arrived()
    await hostile.stop()
    expect((await call()).status).toBe(503)
    atToken((_, response) => json(response, 400, { error: 'invalid_grant' }))
    await hostile.start()
    await expect.poll(async () => (await call()).status, { timeout: 30_000 }).toBe(401)
    expect(await browser.session()).toEqual({ user: null, session: null, ended: 'provider_revoked' })
  })
})

describe.concurrent('OI-9 an answer that is not to be trusted is used by nobody', () => {
  test.each(BENT)('%s', async (_title, bend) => {
    const { hostile, browser, call, reached, refreshes, untilItWorks } = await upToSomething.arrived()
    refreshes(answer => bend(answer, hostile))
    const answer = await call()
    expect([answer.status, answer.json()]).toMatchObject([502, { code: 'provider_answer_invalid' }])
    expect(reached()).toBe(0)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes(fresh => idToken(() => {})(fresh, hostile))
    await untilItWorks()
  })

  test('an access token that would be a header of its own', async () => {
    const { call, reached, refreshes } = await upToSomething.arrived()
    refreshes(answer => void (answer['access_token'] = 'x\r\nx-user: root'))
    expect((await call()).status).toBe(502)
    expect(reached()).toBe(0)
  })
})

describe.concurrent('OI-9 what is odd beside a grant voids nothing of it', () => {
  test.each(ODD)('%s', async (_title, bend) => {
    const { hostile, browser, call, reached, refreshes } = await odd.arrived()
    const asked = refreshes(answer => bend(answer, hostile))
    for (let i = 1; i <= 3; i++) expect([(await call()).status, reached()]).toEqual([200, i])
    expect(asked.count).toBe(1)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
  })
})

test('BBA-3 no token of a provider is in the log, in anything that a browser got, or readable in the data folder', async () => {
  for (const stage of [inTrouble, upToSomething, odd]) {
    stage.saw(await new Visitor(stage.server.origin).get('/auth/methods'))
    stage.expectNoTokenAnywhere()
  }
})
