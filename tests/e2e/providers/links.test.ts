import { describe, expect, test } from 'vitest'
import type { LinksAnswer, ProviderLoginAnswer, SessionListAnswer } from '../../../server/contract/wire.ts'
import { Visitor } from '../../support/client.ts'
import type { Change } from '../../support/hostile-provider.ts'
import {
  arriveFrom,
  HOSTILE,
  hostileStageOfFile,
  idOf,
  newAddress,
  returnFrom,
  somebodyAt,
} from '../../support/hostile-stage.ts'
import { signUp } from '../../support/people.ts'
import { begin, comeBack } from '../../support/provider-visit.ts'

const stage = hostileStageOfFile()

describe('linking', () => {
  const link = async (browser: Visitor) =>
    (await browser.post(`/auth/links/${HOSTILE}`)).json<ProviderLoginAnswer>().href
  const linksOf = async (browser: Visitor) => (await browser.get('/auth/links')).json<LinksAnswer>().links

  test('adds a way in, which then opens the same account; removing takes it away', async () => {
    const { browser } = await signUp(stage.admin)
    const me = await idOf(browser)
    const person = somebodyAt(stage.hostile, { email: newAddress(), email_verified: true })
    expect((await comeBack(browser, await returnFrom(stage.hostile, await link(browser)))).headers.location).toBe(
      '/account',
    )
    const [mine] = await linksOf(browser)
    expect(mine).toMatchObject({ provider: HOSTILE, email: person['email'] })
    expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin))).toBe(me)

    expect((await browser.ask({ method: 'DELETE', path: `/auth/links/${mine?.id}` })).status).toBe(200)
    expect(await linksOf(browser)).toEqual([])
    expect(await idOf(browser)).toBe(me)
    stage.hostile.person = { sub: person.sub, name: 'Now Somebody Else' }
    expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin))).not.toBe(me)
  })

  test('does not take what opens another account', async () => {
    somebodyAt(stage.hostile)
    const owner = await arriveFrom(stage.hostile, stage.server.origin)
    const { browser } = await signUp(stage.admin)
    const answer = await comeBack(browser, await returnFrom(stage.hostile, await link(browser)))
    expect(answer.headers.location).toContain('problem=identity_taken')
    expect(await linksOf(browser)).toEqual([])
    expect(await idOf(await arriveFrom(stage.hostile, stage.server.origin))).toBe(await idOf(owner))
  })

  test('OA-20 that one session began ends in no other, of somebody else or of nobody', async () => {
    const [attacker, victim] = [(await signUp(stage.admin)).browser, (await signUp(stage.admin)).browser]
    somebodyAt(stage.hostile)
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

    // Nor in a later session of the same person, in the same browser.
    const earlier = await signUp(stage.admin)
    const late = await returnFrom(stage.hostile, await link(earlier.browser))
    expect(
      (await earlier.browser.post('/auth/login', { email: earlier.person.email, password: earlier.person.password }))
        .status,
    ).toBe(200)
    const told = await comeBack(earlier.browser, late)
    expect((await earlier.browser.page(told.headers.location ?? '')).headers.location).toBe(
      `/account?problem=login_expired&provider=${HOSTILE}`,
    )
    expect(await linksOf(earlier.browser)).toEqual([])

    const second = await returnFrom(stage.hostile, await link(attacker))
    await attacker.post('/auth/logout')
    expect((await comeBack(attacker, second)).headers.location).toContain('problem=')
    expect(await idOf(attacker)).toBeUndefined()
  })

  test('the last way in stays', async () => {
    somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    const [only] = await linksOf(browser)
    const answer = await browser.ask({ method: 'DELETE', path: `/auth/links/${only?.id}` })
    expect([answer.status, answer.json()['code']]).toEqual([409, 'last_way_in'])
    expect((await linksOf(browser)).length).toBe(1)
  })
})

test.each([
  ['/api/reports/7?view=all', '/api/reports/7?view=all'],
  ['/api/orders/1', '/'],
])('OA-1 a sign-in at a provider that is to return to %s leads to %s', async (returnTo, led) => {
  somebodyAt(stage.hostile)
  const browser = new Visitor(stage.server.origin)
  const there = await begin(browser, { as: HOSTILE, returnTo })
  expect((await comeBack(browser, await returnFrom(stage.hostile, there))).headers.location).toBe(led)
})

describe('showing again who one is', () => {
  const again = async (browser: Visitor) =>
    comeBack(
      browser,
      await returnFrom(
        stage.hostile,
        await begin(browser, { as: HOSTILE, returnTo: '/account', query: '&reauthenticate=1' }),
      ),
    )

  test('OI-5 asks the provider to ask anew, and renews the session', async () => {
    somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    const before = await browser.session()
    expect((await again(browser)).headers.location).toBe('/account')
    expect(Object.fromEntries(stage.hostile.authorizations.at(-1) ?? [])).toMatchObject({
      prompt: 'login',
      max_age: '0',
    })
    const after = await browser.session()
    expect(after.session?.id).not.toBe(before.session?.id)
    expect(after.session?.authTime).toBeGreaterThanOrEqual(before.session?.authTime ?? Infinity)
    const { sessions } = (await browser.get('/auth/sessions')).json<SessionListAnswer>()
    expect(sessions.map(each => each.id)).toEqual([after.session?.id])
  })

  test.each<[string, Change]>([
    ['was not', { claims: each => (each['auth_time'] = Math.floor(Date.now() / 1000) - 3600) }],
    ['is to be in an hour', { claims: each => (each['auth_time'] = Math.floor(Date.now() / 1000) + 3600) }],
    ['was at a time in words', { claims: each => (each['auth_time'] = 'just now') }],
  ])('OI-5 somebody who %s asked anew has shown nothing', async (_, change) => {
    somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    const before = await browser.session()
    stage.hostile.change = change
    expect((await again(browser)).headers.location).toContain('problem=provider_answer_invalid')
    expect((await browser.session()).session).toMatchObject({
      id: before.session?.id,
      authTime: before.session?.authTime,
    })
  })

  test('OI-5 a provider that does not say when it asked proves nothing fresh: the tokens are new, the sign-in is as old as before, and the page says so', async () => {
    somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    const before = await browser.session()
    stage.hostile.change = { claims: each => delete each['auth_time'] }
    const answer = await again(browser)
    expect(answer.headers.location).toBe(`/account?problem=reauthentication_required&provider=${HOSTILE}`)
    const after = await browser.session()
    expect(after.session?.id).not.toBe(before.session?.id)
    expect(after.session?.authTime).toBe(before.session?.authTime)
    expect((await browser.get('/api/orders/1')).status).toBe(200)
    expect((await browser.page(answer.headers.location ?? '')).text).toContain(
      'did not confirm that it verified you again',
    )
    // A page that opens only after a recent sign-in would lead here again.
    const recent = await comeBack(
      browser,
      await returnFrom(
        stage.hostile,
        await begin(browser, { as: HOSTILE, returnTo: '/api/reports/7', query: '&reauthenticate=1' }),
      ),
    )
    expect(recent.headers.location).toBe(
      `/reauthenticate?problem=reauthentication_required&provider=${HOSTILE}&returnTo=%2Fapi%2Freports%2F7`,
    )
    // Who only wants what the provider gives goes on to where they were.
    const onward = await comeBack(
      browser,
      await returnFrom(
        stage.hostile,
        await begin(browser, { as: HOSTILE, returnTo: '/notes', query: '&reauthenticate=1' }),
      ),
    )
    expect(onward.headers.location).toBe('/notes')
  })

  test('whoever has no account of that provider linked is led to linking it, which an upstream then takes', async () => {
    const { browser } = await signUp(stage.admin)
    const refused = await browser.get('/api/orders/1')
    expect([refused.status, refused.json()]).toMatchObject([
      401,
      { code: 'provider_sign_in_required', provider: HOSTILE },
    ])
    const { headers } = await browser.page(`/auth/login/${HOSTILE}?reauthenticate=1&returnTo=/notes`)
    expect(headers.location).toBe(`/account?problem=provider_sign_in_required&provider=${HOSTILE}`)
    expect((await browser.page(headers.location ?? '')).text).toContain('is not linked to your account yet')
    somebodyAt(stage.hostile)
    const { href } = (await browser.post(`/auth/links/${HOSTILE}`)).json<ProviderLoginAnswer>()
    await comeBack(browser, await returnFrom(stage.hostile, href))
    expect((await browser.get('/api/orders/1')).status).toBe(200)
  })

  test('somebody else has shown nothing, whether they have an account or none', async () => {
    const me = somebodyAt(stage.hostile)
    const browser = await arriveFrom(stage.hostile, stage.server.origin)
    somebodyAt(stage.hostile)
    await arriveFrom(stage.hostile, stage.server.origin)
    const before = await browser.session()
    for (const person of [stage.hostile.person, { sub: 'nobody-yet', name: 'Nobody Yet' }]) {
      stage.hostile.person = person
      expect((await again(browser)).headers.location).toContain('problem=forbidden')
      expect((await browser.session()).session?.id).toBe(before.session?.id)
    }
    stage.hostile.person = me
    expect((await again(browser)).headers.location).toBe('/account')
  })
})
