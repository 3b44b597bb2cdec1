import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import {
  type Change,
  CLIENT,
  type HostileProvider,
  json,
  startHostileProvider,
} from '../../support/hostile-provider.ts'
import {
  arriveFrom,
  expectRefused,
  type HostileStage,
  hostileStage,
  newAddress,
  returnFrom,
  signInAt,
} from '../../support/hostile-stage.ts'
import { begin, comeBack } from '../../support/provider-visit.ts'
import { stopAll } from '../../support/server.ts'

let stage: HostileStage
let plain: HostileProvider

beforeAll(async () => {
  plain = await startHostileProvider()
  const at = (path: string) => `${plain.issuer}/${path}`
  stage = await hostileStage({
    more: [
      {
        ...CLIENT,
        id: 'plain',
        kind: 'oauth2',
        authorizationEndpoint: at('authorize'),
        tokenEndpoint: at('token'),
        userInfoEndpoint: at('userinfo'),
        emailsEndpoint: at('emails'),
        fields: { subject: 'id', name: 'profile.name' },
      },
    ],
  })
})
afterAll(async () => {
  await Promise.all([stage?.stop(), plain?.stop()])
  await stopAll()
})

const visitor = () => new Visitor(stage.server.origin)

describe('a provider that is not OpenID Connect', () => {
  const emails = (list: unknown): Change => ({
    tokens: answer => delete answer['id_token'],
    instead: { '/emails': (_, response) => json(response, 200, list) },
  })

  test('is asked who it is, by the fields that the configuration names', async () => {
    plain.person = { sub: 'not this', id: 4711, profile: { name: 'Olga Plain' } }
    plain.change = emails([
      { email: 'second@plain.example', verified: true, primary: false },
      { email: 'olga@plain.example', verified: true, primary: true },
    ])
    const browser = await arriveFrom(plain, stage.server.origin, 'plain')
    expect((await browser.session()).user).toMatchObject({ name: 'Olga Plain', email: 'olga@plain.example' })
    const asked = plain.authorizations.at(-1)
    expect(asked?.get('code_challenge_method')).toBe('S256')
    expect(asked?.has('nonce')).toBe(false)
  })

  test('ASVS 7.5.1 that somebody comes back from it shows who they are, not that they were asked: the sign-in is no fresher for it', async () => {
    plain.person = { sub: 'x', id: 4712, profile: { name: 'Odo Plain' } }
    plain.change = emails([])
    const browser = await arriveFrom(plain, stage.server.origin, 'plain')
    const before = await browser.session()
    const answer = await comeBack(
      browser,
      await returnFrom(plain, await begin(browser, { as: 'plain', returnTo: '/account', query: '&reauthenticate=1' })),
    )
    expect(answer.headers.location).toBe('/account?problem=reauthentication_required&provider=plain')
    const after = await browser.session()
    expect(after.user?.id).toBe(before.user?.id)
    expect(after.session?.id).not.toBe(before.session?.id)
    expect(after.session?.authTime).toBe(before.session?.authTime)
  })

  test.each<[string, Record<string, unknown>, unknown]>([
    ['no subject', { profile: { name: 'X' } }, []],
    ['a subject that is an object', { id: { a: 1 } }, []],
    ['an empty subject', { id: '' }, []],
    ['a list of addresses that is none', { id: 5 }, { email: 'a@b.example' }],
  ])('an OAuth provider that says %s is not believed', async (_, person, list) => {
    plain.person = { sub: 'x', ...person }
    plain.change = emails(list)
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, plain, 'plain'), 'provider_answer_invalid', 'plain')
  })

  test.each<[string, unknown]>([
    ['not verified', [{ email: 'a@plain.example', verified: false, primary: true }]],
    ['verified in words', [{ email: 'a@plain.example', verified: 'true', primary: true }]],
    ['not the main one', [{ email: 'a@plain.example', verified: true, primary: false }]],
  ])('OI-7 keeps no address that is %s', async (_, list) => {
    plain.person = { sub: 'x', id: newAddress() }
    plain.change = emails(list)
    expect((await (await arriveFrom(plain, stage.server.origin, 'plain')).session()).user?.email).toBeNull()
  })
})
