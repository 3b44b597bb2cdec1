import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LinksAnswer, ProviderLoginAnswer } from '../../../server/contract/wire.ts'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import {
  arriveFrom,
  expectRefused,
  HOSTILE,
  type HostileStage,
  hostileStage,
  idOf,
  newAddress,
  returnFrom,
  signInAt,
  somebodyAt,
} from '../../support/hostile-stage.ts'
import { invite, signIn, signUp } from '../../support/people.ts'
import { begin, comeBack, providerSetting } from '../../support/provider-visit.ts'
import { stopAll } from '../../support/server.ts'

// What an account here has to do with somebody elsewhere. The provider is honest; what it knows of its people differs.
let stage: HostileStage
let others: Record<'second' | 'invited' | 'closed', HostileProvider>

beforeAll(async () => {
  const [second, invited, closed] = await Promise.all([
    startHostileProvider(),
    startHostileProvider(),
    startHostileProvider(),
  ])
  others = { second, invited, closed }
  const setting = (id: string, { issuer }: HostileProvider, more = {}) =>
    providerSetting(id, issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }, more)
  stage = await hostileStage({
    more: [
      setting('second', second),
      setting('invited', invited, { register: 'invite' }),
      setting('closed', closed, { register: 'closed' }),
    ],
  })
})
afterAll(async () => {
  await Promise.all([stage?.stop(), ...Object.values(others ?? {}).map(each => each.stop())])
  await stopAll()
})

const visitor = () => new Visitor(stage.server.origin)

describe('OI-7 an address links nothing', () => {
  test.each<[string, unknown, boolean]>([
    ['verified', true, true],
    ['not verified', false, false],
    ['of which nothing is said', undefined, false],
    ['called verified in words', 'yes', false],
    ['verified by a number', 1, false],
  ])('nobody has it here, and it is %s', async (_, verified, kept) => {
    const email = newAddress()
    somebodyAt(stage.hostile, { email, email_verified: verified })
    expect((await (await arriveFrom(stage.hostile, stage.server.origin)).session()).user?.email).toBe(
      kept ? email : null,
    )
  })

  test('it is verified there, and somebody with a password has it here: they have to link it', async () => {
    const { person, browser: owner } = await signUp(stage.admin)
    for (const email of [person.email, person.email.toUpperCase()]) {
      somebodyAt(stage.hostile, { email, email_verified: true })
      const browser = visitor()
      await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'link_required')
    }
    expect((await owner.get('/auth/links')).json<LinksAnswer>()).toEqual({ links: [], password: true })
  })

  test('it is not verified there, and somebody has it here: they stay two, and neither notices', async () => {
    const { person, browser: owner } = await signUp(stage.admin)
    somebodyAt(stage.hostile, { email: person.email, email_verified: false })
    const stranger = await arriveFrom(stage.hostile, stage.server.origin)
    expect((await stranger.session()).user?.email).toBeNull()
    expect(await idOf(stranger)).not.toBe(await idOf(owner))
    expect((await signIn(stage.server.origin, person)).jar.value('access')).not.toBeNull()
  })

  test("it is verified at two providers: the second is no way into the first one's account", async () => {
    const email = newAddress()
    somebodyAt(stage.hostile, { email, email_verified: true })
    somebodyAt(others.second, { email, email_verified: true })
    await arriveFrom(stage.hostile, stage.server.origin)
    const browser = visitor()
    await expectRefused(stage, browser, await signInAt(browser, others.second, 'second'), 'link_required', 'second')
  })

  test('one subject at two providers is two people', async () => {
    others.second.person = { sub: somebodyAt(stage.hostile).sub, name: 'Somebody Else' }
    expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin))).not.toBe(
      await idOf(await arriveFrom(others.second, stage.server.origin, 'second')),
    )
  })

  test("it changes there: the account stays the person's own, with the address it had", async () => {
    const email = newAddress()
    const person = somebodyAt(stage.hostile, { email, email_verified: true })
    const first = await idOf(await arriveFrom(stage.hostile, stage.server.origin))
    const { person: owner } = await signUp(stage.admin)
    stage.hostile.person = { ...person, email: owner.email }
    const again = await arriveFrom(stage.hostile, stage.server.origin)
    expect((await again.session()).user).toMatchObject({ id: first, email })
  })

  test('whoever took it here before its owner came gains nothing (pre-registration)', async () => {
    const { browser: squatter, person } = await signUp(stage.admin)
    somebodyAt(stage.hostile, { email: person.email, email_verified: true })
    const owner = visitor()
    await expectRefused(stage, owner, await signInAt(owner, stage.hostile), 'link_required')
    expect((await squatter.get('/auth/links')).json<LinksAnswer>().links).toEqual([])
  })
})

describe('who has no account yet', () => {
  test('gets none where registration is closed', async () => {
    somebodyAt(others.closed)
    const browser = visitor()
    await expectRefused(
      stage,
      browser,
      await signInAt(browser, others.closed, 'closed'),
      'registration_closed',
      'closed',
    )
  })

  test('needs an invitation where it takes one; each makes one account', async () => {
    const first = somebodyAt(others.invited)
    const browser = visitor()
    await expectRefused(
      stage,
      browser,
      await signInAt(browser, others.invited, 'invited'),
      'invite_required',
      'invited',
    )
    const code = await invite(stage.admin)
    expect((await withInvitation(browser, code)).headers.location).toBe('/')
    expect((await browser.session()).user?.name).toBe(others.invited.person['name'])
    somebodyAt(others.invited)
    const next = visitor()
    await expectRefused(stage, next, await withInvitation(next, code), 'invalid_code', 'invited')
    // Who was here before needs none.
    others.invited.person = first
    await arriveFrom(others.invited, stage.server.origin, 'invited')
  })

  test('a person whose invitation is a guess is refused', async () => {
    somebodyAt(others.invited)
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

test('ASVS 7.4.2 who is disabled is out at once, and stays out by every way', async () => {
  const { browser, person } = await signUp(stage.admin)
  somebodyAt(stage.hostile)
  await comeBack(
    browser,
    await returnFrom(stage.hostile, (await browser.post(`/auth/links/${HOSTILE}`)).json<ProviderLoginAnswer>().href),
  )
  const byProvider = await arriveFrom(stage.hostile, stage.server.origin)
  const id = await idOf(browser)
  const change = (disabled: boolean) =>
    stage.admin.ask({ method: 'PATCH', path: `/auth/people/${id}`, body: { disabled } })
  const half = visitor()
  const underWay = await returnFrom(stage.hostile, await begin(half, { as: HOSTILE }))
  expect((await change(true)).status).toBe(200)

  for (const each of [browser, byProvider])
    expect(await each.session()).toMatchObject({ user: null, ended: 'disabled' })
  await expectRefused(stage, half, await comeBack(half, underWay), 'account_disabled')
  const fresh = visitor()
  await expectRefused(stage, fresh, await signInAt(fresh, stage.hostile), 'account_disabled')
  expect((await visitor().post('/auth/login', { email: person.email, password: person.password })).status).toBe(403)
  expect((await change(false)).status).toBe(200)
  expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin))).toBe(id)
})
