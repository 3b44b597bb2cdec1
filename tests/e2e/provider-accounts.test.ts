import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LinksAnswer, ProviderLoginAnswer, SessionListAnswer } from '../../server/contract/wire.ts'
import { Visitor } from '../support/client.ts'
import { type Change, CLIENT, type HostileProvider, json, startHostileProvider } from '../support/hostile-provider.ts'
import { expectRefused, HOSTILE, type HostileStage, hostileStage, returnFrom, signInAt } from '../support/hostile-stage.ts'
import { invite, signIn, signUp } from '../support/people.ts'
import { begin, comeBack, providerSetting } from '../support/provider-visit.ts'
import { stopAll } from '../support/server.ts'

// What an account here has to do with somebody elsewhere. The provider is honest; what it knows of its people differs.
let stage: HostileStage
let others: Record<'second' | 'invited' | 'closed' | 'plain', HostileProvider>

beforeAll(async () => {
  const [second, invited, closed, plain] = await Promise.all([startHostileProvider(), startHostileProvider(), startHostileProvider(), startHostileProvider()])
  others = { second, invited, closed, plain }
  const setting = (id: string, { issuer }: HostileProvider, more = {}) => providerSetting(id, issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }, more)
  stage = await hostileStage({ more: [
    setting('second', second),
    setting('invited', invited, { register: 'invite' }),
    setting('closed', closed, { register: 'closed' }),
    {
      ...CLIENT, id: 'plain', kind: 'oauth2', authorizationEndpoint: `${plain.issuer}/authorize`, tokenEndpoint: `${plain.issuer}/token`, userInfoEndpoint: `${plain.issuer}/userinfo`,
      emailsEndpoint: `${plain.issuer}/emails`, fields: { subject: 'id', name: 'profile.name' },
    },
  ] })
})
beforeEach(() => {
  for (const each of [stage.hostile, ...Object.values(others)]) each.change = {}
})
afterAll(async () => {
  await Promise.all([stage?.stop(), ...Object.values(others ?? {}).map(each => each.stop())])
  await stopAll()
})

const visitor = () => new Visitor(stage.server.origin)
let count = 0

/** Somebody new at a provider. */
function known(at: HostileProvider, claims: Record<string, unknown>): HostileProvider['person'] {
  at.person = { sub: `person-${++count}`, name: `Person ${count}`, ...claims }
  return at.person
}

async function arrive(at: HostileProvider, as = HOSTILE): Promise<Visitor> {
  const browser = visitor()
  expect((await signInAt(browser, at, as)).headers.location).toBe('/account')
  return browser
}
const idOf = async (browser: Visitor) => (await browser.session()).user?.id

describe('OI-7 an address links nothing', () => {
  test.each<[string, unknown, boolean]>([
    ['verified', true, true],
    ['not verified', false, false],
    ['of which nothing is said', undefined, false],
    ['called verified in words', 'yes', false],
    ['verified by a number', 1, false],
  ])('nobody has it here, and it is %s', async (_, verified, kept) => {
    const email = `new-${++count}@example.org`
    known(stage.hostile, { email, email_verified: verified })
    expect((await (await arrive(stage.hostile)).session()).user?.email).toBe(kept ? email : null)
  })

  test('it is verified there, and somebody with a password has it here: they have to link it', async () => {
    const { person, browser: owner } = await signUp(stage.admin)
    for (const email of [person.email, person.email.toUpperCase()]) {
      known(stage.hostile, { email, email_verified: true })
      const browser = visitor()
      await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'link_required')
    }
    expect((await owner.get('/auth/links')).json<LinksAnswer>()).toEqual({ links: [], password: true })
  })

  test('it is not verified there, and somebody has it here: they stay two, and neither notices', async () => {
    const { person, browser: owner } = await signUp(stage.admin)
    known(stage.hostile, { email: person.email, email_verified: false })
    const stranger = await arrive(stage.hostile)
    expect((await stranger.session()).user?.email).toBeNull()
    expect(await idOf(stranger)).not.toBe(await idOf(owner))
    expect((await signIn(stage.server.origin, person)).jar.value('access')).not.toBeNull()
  })

  test('it is verified at two providers: the second is no way into the first one\'s account', async () => {
    const email = `twice-${++count}@example.org`
    known(stage.hostile, { email, email_verified: true })
    known(others.second, { email, email_verified: true })
    await arrive(stage.hostile)
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, others.second, 'second'), 'link_required', 'second')
  })

  test('the same subject at two providers is two people', async () => {
    others.second.person = { sub: known(stage.hostile, {}).sub, name: 'Somebody Else' }
    expect(await idOf(await arrive(stage.hostile))).not.toBe(await idOf(await arrive(others.second, 'second')))
  })

  test('it changes there: the account stays the person\'s own, with the address it had', async () => {
    const email = `before-${++count}@example.org`
    const person = known(stage.hostile, { email, email_verified: true })
    const first = await idOf(await arrive(stage.hostile))
    const { person: owner } = await signUp(stage.admin)
    stage.hostile.person = { ...person, email: owner.email }
    const again = await arrive(stage.hostile)
    expect((await again.session()).user).toMatchObject({ id: first, email })
  })

  test('whoever took it here before its owner came gains nothing (pre-registration)', async () => {
    const { browser: squatter, person } = await signUp(stage.admin)
    known(stage.hostile, { email: person.email, email_verified: true })
    const owner = visitor()
    await expectRefused(stage, owner, await signInAt(owner, stage.hostile), 'link_required')
    expect((await squatter.get('/auth/links')).json<LinksAnswer>().links).toEqual([])
  })
})

describe('who has no account yet', () => {
  test('gets none where registration is closed', async () => {
    known(others.closed, {})
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, others.closed, 'closed'), 'registration_closed', 'closed')
  })

  test('needs an invitation where it takes one; each makes one account', async () => {
    known(others.invited, {})
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, others.invited, 'invited'), 'invite_required', 'invited')
    const code = await invite(stage.admin)
    expect((await withInvitation(browser, code)).headers.location).toBe('/')
    expect((await browser.session()).user?.name).toBe(others.invited.person['name'])
    known(others.invited, {})
    const next = visitor()
    await expectRefused(stage, next, await withInvitation(next, code), 'invalid_code', 'invited')
    // Who was here before needs none.
    others.invited.person = { sub: `person-${count - 1}`, name: 'Again' }
    await arrive(others.invited, 'invited')
  })

  test('and whose invitation is a guess is refused', async () => {
    known(others.invited, {})
    const browser = visitor()
    await expectRefused(stage, browser, await withInvitation(browser, 'guessed-'.repeat(4)), 'invalid_code', 'invited')
  })

  async function withInvitation(browser: Visitor, code: string) {
    const answer = await browser.post('/auth/login/invited', { invite: code })
    expect(answer.status, answer.text).toBe(200)
    const { href } = answer.json<ProviderLoginAnswer>()
    expect(href).not.toContain(code)
    return comeBack(browser, await returnFrom(others.invited, href))
  }
})

describe('linking', () => {
  const link = async (browser: Visitor) => (await browser.post(`/auth/links/${HOSTILE}`)).json<ProviderLoginAnswer>().href
  const linksOf = async (browser: Visitor) => (await browser.get('/auth/links')).json<LinksAnswer>().links

  test('adds a way in, which then opens the same account; removing takes it away', async () => {
    const { browser } = await signUp(stage.admin)
    const me = await idOf(browser)
    const person = known(stage.hostile, { email: `link-${++count}@example.org`, email_verified: true })
    expect((await comeBack(browser, await returnFrom(stage.hostile, await link(browser)))).headers.location).toBe('/account')
    const [mine] = await linksOf(browser)
    expect(mine).toMatchObject({ provider: HOSTILE, email: person['email'] })
    expect(await idOf(await arrive(stage.hostile))).toBe(me)

    expect((await browser.ask({ method: 'DELETE', path: `/auth/links/${mine?.id}` })).status).toBe(200)
    expect(await linksOf(browser)).toEqual([])
    expect(await idOf(browser)).toBe(me)
    stage.hostile.person = { sub: person.sub, name: 'Now Somebody Else' }
    expect(await idOf(await arrive(stage.hostile))).not.toBe(me)
  })

  test('does not take what opens another account', async () => {
    known(stage.hostile, {})
    const owner = await arrive(stage.hostile)
    const { browser } = await signUp(stage.admin)
    const answer = await comeBack(browser, await returnFrom(stage.hostile, await link(browser)))
    expect(answer.headers.location).toContain('problem=identity_taken')
    expect(await linksOf(browser)).toEqual([])
    expect(await idOf(await arrive(stage.hostile))).toBe(await idOf(owner))
  })

  test('OA-20 that one session began ends in no other, of somebody else or of nobody', async () => {
    const [attacker, victim] = [(await signUp(stage.admin)).browser, (await signUp(stage.admin)).browser]
    known(stage.hostile, {})
    const back = await returnFrom(stage.hostile, await link(attacker))
    // The address alone, and with the attacker's cookie planted beside the victim's.
    await comeBack(victim, back)
    expect(await linksOf(victim)).toEqual([])
    const cookie = attacker.jar.all().find(each => each.name.includes('login'))
    victim.jar.take([`${cookie?.name}=${cookie?.value}; Path=/; HttpOnly; SameSite=Lax`])
    await comeBack(victim, back)
    expect(await linksOf(victim)).toEqual([])
    expect(await linksOf(attacker)).toEqual([])
    expect(await idOf(victim)).not.toBeUndefined()

    const second = await returnFrom(stage.hostile, await link(attacker))
    await attacker.post('/auth/logout')
    expect((await comeBack(attacker, second)).headers.location).toContain('problem=')
    expect(await idOf(attacker)).toBeUndefined()
  })

  test('the last way in stays', async () => {
    known(stage.hostile, {})
    const browser = await arrive(stage.hostile)
    const [only] = await linksOf(browser)
    const answer = await browser.ask({ method: 'DELETE', path: `/auth/links/${only?.id}` })
    expect([answer.status, answer.json()['code']]).toEqual([409, 'last_way_in'])
    expect((await linksOf(browser)).length).toBe(1)
  })
})

describe('showing again who one is', () => {
  const again = async (browser: Visitor) => comeBack(browser, await returnFrom(stage.hostile, await begin(browser, { as: HOSTILE, returnTo: '/account', query: '&reauthenticate=1' })))

  test('OI-5 asks the provider to ask anew, and renews the session', async () => {
    known(stage.hostile, {})
    const browser = await arrive(stage.hostile)
    const before = await browser.session()
    expect((await again(browser)).headers.location).toBe('/account')
    expect(Object.fromEntries(stage.hostile.authorizations.at(-1) ?? [])).toMatchObject({ prompt: 'login', max_age: '0' })
    const after = await browser.session()
    expect(after.session?.id).not.toBe(before.session?.id)
    expect(after.session?.authTime).toBeGreaterThanOrEqual(before.session?.authTime ?? Infinity)
    const { sessions } = (await browser.get('/auth/sessions')).json<SessionListAnswer>()
    expect(sessions.map(each => each.id)).toEqual([after.session?.id])
  })

  test.each<[string, Change]>([
    ['was not', { claims: each => (each['auth_time'] = Math.floor(Date.now() / 1000) - 3600) }],
    ['is not said to have been', { claims: each => delete each['auth_time'] }],
    ['is to be in an hour', { claims: each => (each['auth_time'] = Math.floor(Date.now() / 1000) + 3600) }],
    ['was at a time in words', { claims: each => (each['auth_time'] = 'just now') }],
  ])('OI-5 somebody who %s asked anew has shown nothing', async (_, change) => {
    known(stage.hostile, {})
    const browser = await arrive(stage.hostile)
    const before = await browser.session()
    stage.hostile.change = change
    expect((await again(browser)).headers.location).toContain('problem=provider_answer_invalid')
    expect((await browser.session()).session).toMatchObject({ id: before.session?.id, authTime: before.session?.authTime })
  })

  test('somebody else has shown nothing, whether they have an account or none', async () => {
    const me = known(stage.hostile, {})
    const browser = await arrive(stage.hostile)
    known(stage.hostile, {})
    await arrive(stage.hostile)
    const before = await browser.session()
    for (const person of [stage.hostile.person, { sub: `person-${++count}`, name: 'Nobody Yet' }]) {
      stage.hostile.person = person
      expect((await again(browser)).headers.location).toContain('problem=forbidden')
      expect((await browser.session()).session?.id).toBe(before.session?.id)
    }
    stage.hostile.person = me
    expect((await again(browser)).headers.location).toBe('/account')
  })
})

test('7.4.2 who is disabled is out at once, and stays out by every way', async () => {
  const { browser, person } = await signUp(stage.admin)
  known(stage.hostile, {})
  await comeBack(browser, await returnFrom(stage.hostile, (await browser.post(`/auth/links/${HOSTILE}`)).json<ProviderLoginAnswer>().href))
  const byProvider = await arrive(stage.hostile)
  const id = await idOf(browser)
  const change = (disabled: boolean) => stage.admin.ask({ method: 'PATCH', path: `/auth/people/${id}`, body: { disabled } })
  const half = visitor()
  const underWay = await returnFrom(stage.hostile, await begin(half, { as: HOSTILE }))
  expect((await change(true)).status).toBe(200)

  for (const each of [browser, byProvider]) expect(await each.session()).toMatchObject({ user: null, ended: 'disabled' })
  await expectRefused(stage, half, await comeBack(half, underWay), 'account_disabled')
  const fresh = visitor()
  await expectRefused(stage, fresh, await signInAt(fresh, stage.hostile), 'account_disabled')
  expect((await visitor().post('/auth/login', { email: person.email, password: person.password })).status).toBe(403)
  expect((await change(false)).status).toBe(200)
  expect(await idOf(await arrive(stage.hostile))).toBe(id)
})

describe('a provider that is not OpenID Connect', () => {
  const emails = (list: unknown): Change => ({
    tokens: answer => delete answer['id_token'],
    instead: { '/emails': (_, response) => json(response, 200, list) },
  })

  test('is asked who it is, by the fields that the configuration names', async () => {
    others.plain.person = { sub: 'not this', id: 4711, profile: { name: 'Olga Plain' } }
    others.plain.change = emails([{ email: 'second@plain.example', verified: true, primary: false }, { email: 'olga@plain.example', verified: true, primary: true }])
    const browser = await arrive(others.plain, 'plain')
    expect((await browser.session()).user).toMatchObject({ name: 'Olga Plain', email: 'olga@plain.example' })
    const asked = others.plain.authorizations.at(-1)
    expect(asked?.get('code_challenge_method')).toBe('S256')
    expect(asked?.has('nonce')).toBe(false)
  })

  test.each<[string, Record<string, unknown>, unknown]>([
    ['no subject', { profile: { name: 'X' } }, []],
    ['a subject that is an object', { id: { a: 1 } }, []],
    ['an empty subject', { id: '' }, []],
    ['a list of addresses that is none', { id: 5 }, { email: 'a@b.example' }],
  ])('and says %s, is not believed', async (_, person, list) => {
    others.plain.person = { sub: 'x', ...person }
    others.plain.change = emails(list)
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, others.plain, 'plain'), 'provider_answer_invalid', 'plain')
  })

  test.each<[string, unknown]>([
    ['not verified', [{ email: 'a@plain.example', verified: false, primary: true }]],
    ['verified in words', [{ email: 'a@plain.example', verified: 'true', primary: true }]],
    ['not the main one', [{ email: 'a@plain.example', verified: true, primary: false }]],
  ])('OI-7 keeps no address that is %s', async (_, list) => {
    others.plain.person = { sub: 'x', id: `plain-${++count}` }
    others.plain.change = emails(list)
    expect((await (await arrive(others.plain, 'plain')).session()).user?.email).toBeNull()
  })
})
