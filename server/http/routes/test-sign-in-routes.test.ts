import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { accountRecord } from '../../store/records.testing.ts'
import { newTestAccountId } from '../../store/test-account-ids.ts'
import type { SessionAnswer } from '../../contract/wire.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const SECRET = 'a-secret-that-only-tests-know'

let stage: ReturnType<typeof testRoutes>
let browser: Browser
beforeEach(() => {
  stage = testRoutes({ testSignIn: SECRET })
  browser = stage.browser()
})
afterEach(() => stage.close())

const signIn = (body: unknown, { by = browser, authorization = `Bearer ${SECRET}` } = {}) =>
  by.send('POST', '/auth/test/sign-in', { body: JSON.stringify(body), type: 'application/json', authorization })
const answerTo = async (body: unknown, by = browser) => (await (await signIn(body, { by })).json()) as SessionAnswer
const whoami = async (by = browser) => ((await (await by.get('/auth/session')).json()) as SessionAnswer).user

describe('POST /auth/test/sign-in', () => {
  test('signs in as somebody who did not exist, with roles and methods, like any sign-in', async () => {
    const answer = await answerTo({ email: 'Ada@example.org', roles: ['admin'], amr: ['pwd', 'otp', 'mfa'] })
    expect(answer).toMatchObject({
      user: { email: 'Ada@example.org', name: 'Ada', roles: ['admin', 'user'] },
      session: { amr: ['pwd', 'otp', 'mfa'], remember: false },
    })
    expect(await whoami()).toEqual(answer.user)
    expect(stage.events()).toContainEqual(
      expect.objectContaining({ event: 'sign_in_succeeded', method: 'test', accountId: answer.user?.id }),
    )
  })

  test('without roles it is a user, even the very first account, which otherwise is an administrator', async () => {
    expect((await answerTo({ email: 'ada@example.org' })).user).toMatchObject({ name: 'ada', roles: ['user'] })
    expect((await answerTo({ email: 'bob@example.org' })).session).toMatchObject({ amr: ['pwd'] })
  })

  test('the account is as the last call says: also the only administrator loses the role, and a disabled one is enabled', async () => {
    const first = await answerTo({ email: 'ada@example.org', roles: ['admin'] })
    const { accounts } = stage.people
    const again = await answerTo({ email: 'ADA@example.org', name: 'Ada Lovelace', roles: ['user'] })
    expect(again.user).toEqual({ ...first.user, name: 'Ada Lovelace', roles: ['user'] })
    await accounts.change(again.user?.id ?? '', { disabled: true }, OPERATOR)
    expect(await whoami()).toBeNull()
    expect((await answerTo({ email: 'ada@example.org' })).user).toMatchObject({ id: first.user?.id, name: 'ada' })
    expect(await whoami()).not.toBeNull()
  })

  test('ASVS 7.2.4 a session that the browser had is replaced', async () => {
    const first = await answerTo({ email: 'ada@example.org' })
    await answerTo({ email: 'bob@example.org' })
    expect(await stage.sessions.list(first.user?.id ?? '')).toEqual([])
  })

  test('every other account is out of reach, whoever has the secret', async () => {
    const ann = { email: 'ann@example.org', name: 'Ann', roles: ['admin' as const, 'user' as const] }
    const { id } = await stage.people.accounts.create({ ...ann, password: GOOD_PASSWORD }, OPERATOR)
    expect(await refusal(signIn({ email: 'Ann@example.org', roles: ['user'] }))).toBe('409 email_taken')
    expect(await stage.people.accounts.person(id)).toMatchObject(ann)
    expect(browser.jar.size).toBe(0)
  })

  test('many sign-ins of one person in a row are not slowed down', async () => {
    for (let n = 0; n < 70; n++) expect((await signIn({ email: 'ada@example.org' })).status).toBe(200)
  })

  test.each([
    ['', 'no header'],
    [`Bearer ${SECRET}x`, 'a longer secret'],
    [`Bearer ${SECRET.slice(1)}`, 'a shorter one'],
    [`Basic ${SECRET}`, 'another scheme'],
    ['Bearer ', 'an empty one'],
  ])('a wrong secret signs nobody in and creates nothing: "%s"', async authorization => {
    expect(await refusal(signIn({ email: 'ada@example.org' }, { authorization }))).toBe('401 invalid_credentials')
    expect(await stage.people.accounts.anybody()).toBe(false)
    expect(stage.events()).toContainEqual(expect.objectContaining({ event: 'sign_in_failed', method: 'test' }))
    expect(stage.lines.join()).not.toContain(SECRET.slice(1))
  })

  test.each<[unknown, string]>([
    [{}, 'no address'],
    [{ email: 'ada' }, 'no address'],
    [{ email: ['ada@example.org'] }, 'a list'],
    [{ email: 'ada@example.org', roles: [] }, 'no role'],
    [{ email: 'ada@example.org', roles: ['root'] }, 'an unknown role'],
    [{ email: 'ada@example.org', amr: [] }, 'no method'],
    [{ email: 'ada@example.org', amr: ['p w d'] }, 'a space'],
    [{ email: 'ada@example.org', amr: Array.from({ length: 11 }, () => 'pwd') }, 'too many methods'],
    [{ email: 'ada@example.org', name: '' }, 'an empty name'],
    [{ email: 'ada@example.org', password: 'x' }, 'an unknown field'],
    [null, 'no object'],
  ])('refuses %j (%s)', async body => {
    expect(await refusal(signIn(body))).toBe('400 invalid_body')
    expect(await stage.people.accounts.anybody()).toBe(false)
  })

  test('a name is made from a very long address, too', async () => {
    const email = `${'a'.repeat(200)}@example.org`
    expect((await answerTo({ email })).user).toMatchObject({ email, name: 'a'.repeat(100) })
  })
})

describe('without PORCHLIGHT_TEST_SIGN_IN', () => {
  test('the route does not exist', async () => {
    const other = testRoutes()
    expect((await signIn({ email: 'ada@example.org' }, { by: other.browser() })).status).toBe(404)
    await other.close()
  })

  test('what tests left in the data folder opens nothing', async () => {
    const other = testRoutes()
    const row = accountRecord(newTestAccountId(), { roles: ['admin', 'user'] })
    await other.store.accounts.create(row, originOf(OPERATOR, row.id, 1))
    expect(await other.people.accounts.find(row.id)).toMatchObject({ disabledAt: null })
    expect(await other.people.accounts.findActive(row.id)).toBeNull()
    await other.close()
  })
})
