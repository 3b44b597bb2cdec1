import type { IncomingMessage, ServerResponse } from 'node:http'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CLIENT, json } from '../../tests/support/hostile-provider.ts'
import { testProviders, type TestProviders } from './providers.testing.ts'

let at: TestProviders
beforeEach(async () => {
  at = await testProviders()
})
afterEach(() => at.close())

type Respond = (request: IncomingMessage, response: ServerResponse) => void
const status =
  (code: number, headers: Record<string, string> = {}): Respond =>
  (_, response) =>
    response.writeHead(code, headers).end('{}')
const jwt =
  (token: string | Promise<string>): Respond =>
  (_, response) =>
    void Promise.resolve(token).then(text => response.writeHead(200, { 'content-type': 'application/jwt' }).end(text))
const FULL = { email: 'vera@hostile.example', email_verified: true, name: 'Vera' }

/**
 * @param userInfo the response of user-info
 * @param claims additional claims of the ID token
 */
function bend(userInfo: Respond, claims: Record<string, unknown> = {}): void {
  at.hostile.change = { instead: { '/userinfo': userInfo }, claims: each => Object.assign(each, claims) }
}

describe('user-info that rejects this kind of token', () => {
  test.each<[string, Respond]>([
    [
      "401 with a challenge, as Entra for another API's token",
      status(401, { 'www-authenticate': 'Bearer error="invalid_token"' }),
    ],
    ['401 without one', status(401)],
    [
      '403, as Keycloak for a lightweight token',
      status(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }),
    ],
    ['400', status(400)],
    ['404', status(404)],
  ])('%s is logged, and the ID token suffices', async (_what, answer) => {
    bend(answer, FULL)
    expect((await at.open().signIn()).person).toMatchObject({
      subject: 'visitor-1',
      email: FULL.email,
      emailVerified: true,
      name: 'Vera',
    })
    expect(at.events('provider_user_info_skipped')).toMatchObject([
      { provider: 'hostile', why: expect.stringMatching(/^user info answered 4\d\d$/) as string },
    ])
  })

  test('suffices even if the ID token only has a subject', async () => {
    bend(status(401))
    expect((await at.open().signIn()).person).toMatchObject({ subject: 'visitor-1', email: null, name: null })
  })

  test('fails the sign-in if roles are mapped from a claim that the ID token lacks: roles are never guessed', async () => {
    const roles = { claim: 'groups', admin: ['admins'] }
    bend(status(403), FULL)
    const { outcome, signIn } = at.open({ roles })
    expect(await outcome()).toBe('provider_misconfigured')
    expect(at.lines.join('')).toContain('the ID token has no claim groups')
    bend(status(403), { ...FULL, groups: ['admins'] })
    expect((await signIn()).person.roles).toEqual(['admin', 'user'])
  })

  test('is not called if the setting says so', async () => {
    bend(status(401), FULL)
    expect(
      (await at.open({ userInfo: false, roles: { claim: 'groups', admin: ['admins'] } }).signIn()).person.roles,
    ).toEqual(['user'])
    expect(at.hostile.requests).not.toContain('GET /userinfo')
  })
})

describe('user-info that is down', () => {
  const TROUBLES: [string, Respond, string][] = [
    ['500', status(500), 'provider_unavailable'],
    ['503 with a challenge', status(503, { 'www-authenticate': 'Bearer' }), 'provider_unavailable'],
    ['429', status(429), 'provider_unavailable'],
    ['a broken connection', request => request.socket.destroy(), 'provider_unavailable'],
    [
      'a page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello'),
      'provider_answer_invalid',
    ],
    [
      'broken JSON',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"sub": '),
      'provider_answer_invalid',
    ],
    ['a redirect', status(302, { location: '/elsewhere' }), 'provider_answer_invalid'],
  ]
  test.each(TROUBLES)('(%s) does not matter if the ID token describes the user', async (_what, answer) => {
    bend(answer, FULL)
    expect((await at.open().signIn()).person).toMatchObject({ email: FULL.email, name: 'Vera' })
  })

  test.each(TROUBLES)(
    '(%s) fails the sign-in if needed: the new account would have no name and address',
    async (_what, answer, code) => {
      bend(answer)
      expect(await at.open().outcome()).toBe(code)
    },
  )

  test.each(['somebody-else', undefined, 7])('OI-8 about %s is never ignored', async sub => {
    bend((_, response) => json(response, 200, { sub, name: 'X' }), FULL)
    expect(await at.open().outcome()).toBe('provider_answer_invalid')
  })
})

describe('signed user-info that was not announced', () => {
  const info = { sub: 'visitor-1', name: 'Signed Vera', groups: ['admins'] }
  const roles = { claim: 'groups', admin: ['admins'] }
  const named = () => ({ iss: at.hostile.issuer, aud: CLIENT.clientId })

  test.each<[string, () => object]>([
    ['without iss and aud', () => ({})],
    ['with both', named],
    ['with a list of audiences', () => ({ ...named(), aud: ['another', CLIENT.clientId] })],
  ])('is read, %s, and roles may be mapped from it', async (_what, more) => {
    bend(jwt(at.hostile.signed({ ...info, ...more() })))
    expect((await at.open({ roles }).signIn()).person).toMatchObject({ name: 'Signed Vera', roles: ['admin', 'user'] })
  })

  test.each<[string, () => string | Promise<string>]>([
    [
      'OI-3 by another key',
      async () =>
        new SignJWT(info).setProtectedHeader({ alg: 'RS256' }).sign((await generateKeyPair('RS256')).privateKey),
    ],
    [
      'OI-3 by nobody',
      () =>
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(info)).toString('base64url')}.`,
    ],
    [
      'OI-3 with our secret',
      () =>
        new SignJWT(info).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(CLIENT.clientSecret.padEnd(64, '0'))),
    ],
    [
      'OI-3 and then changed',
      async () =>
        (await at.hostile.signed(info)).replace(
          /\.[^.]+\./,
          `.${Buffer.from(JSON.stringify({ ...info, groups: ['admins', 'x'] })).toString('base64url')}.`,
        ),
    ],
    ['for another issuer', () => at.hostile.signed({ ...info, ...named(), iss: 'https://somebody-else.example' })],
    ['for another site', () => at.hostile.signed({ ...info, ...named(), aud: 'another' })],
    ['for nobody', () => at.hostile.signed({ ...info, ...named(), aud: [] })],
    ['OI-8 about somebody else', () => at.hostile.signed({ ...info, sub: 'somebody-else' })],
    ['and over', () => at.hostile.signed({ ...info, exp: Math.floor(Date.now() / 1000) - 600 })],
    ['JW-12 and is a logout token', () => at.hostile.signed(info, { typ: 'logout+jwt' })],
    ['and is not', () => 'a.b.c'],
  ])('%s is rejected, whatever the ID token contains', async (_what, token) => {
    bend(jwt(token()), { ...FULL, groups: [] })
    expect(await at.open({ roles }).outcome()).toBe('provider_answer_invalid')
  })

  test('JW-7 signed with an algorithm that the metadata do not list for it is rejected', async () => {
    bend(jwt(at.hostile.signed(info)))
    at.hostile.change.metadata = metadata => (metadata['userinfo_signing_alg_values_supported'] = ['none', 'ES256'])
    expect(await at.open().outcome()).toBe('provider_answer_invalid')
  })
})
