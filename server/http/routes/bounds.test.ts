import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EventsAnswer, InvitesAnswer, PeopleAnswer, SessionAnswer } from '../../contract/wire.ts'
import { newAccountRow } from '../../accounts/account.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'
import { rawOf } from '../../store/store.testing.ts'

let at: ReturnType<typeof testRoutes>
let admin: Browser
const root = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }
const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const count = (sql: string) => rawOf(at.store).prepare(sql).pluck().get() as number

beforeEach(async () => {
  at = testRoutes()
  admin = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await admin.post('/auth/setup', { ...root, code: at.codeOf(href) })
})
afterEach(() => at.close())

test('accounts are listed a hundred per page, oldest first, with the total; each page continues where the previous one ended', async () => {
  for (let n = 0; n < 249; n++)
    await at.store.accounts.create(
      newAccountRow({ email: `p${n}@example.org`, name: `P ${n}`, roles: ['user'] }, at.wall()),
      originOf(OPERATOR, '', at.wall()),
    )
  const seen: string[] = []
  const sizes: number[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: PeopleAnswer = await json<PeopleAnswer>(
      admin.get(`/auth/people${cursor === '' ? '' : `?cursor=${cursor}`}`),
    )
    expect(page.total).toBe(250)
    seen.push(...page.people.map(({ name }) => name))
    sizes.push(page.people.length)
    cursor = page.next
  }
  expect(sizes).toEqual([100, 100, 50])
  expect(seen).toEqual(['Root', ...Array.from({ length: 249 }, (_, n) => `P ${n}`)])
  expect((await at.people.accounts.list()).map(({ name }) => name)).toEqual(seen)
  expect(await refusal(admin.get('/auth/people?cursor=%27%20or%201'))).toBe('400 invalid_query')
  expect(await json<PeopleAnswer>(admin.get('/auth/people?cursor=nobody'))).toMatchObject({ people: [], next: null })
})

test('each listed account has its number of active sessions and when it was last seen', async () => {
  const {
    people: [first],
  } = await json<PeopleAnswer>(admin.get('/auth/people'))
  expect(first).toMatchObject({ name: 'Root', sessions: 1, lastSeenAt: at.wall() })
})

test('an administrator has at most a hundred open links; revoking one makes room, and expired ones are not kept forever', async () => {
  const id = (await json<SessionAnswer>(admin.get('/auth/session'))).user?.id ?? ''
  const actor = { userId: id, sessionId: null, client: CLIENT }
  for (let n = 0; n < 100; n++) await at.people.registration.invite({ email: null, roles: ['user'] }, actor)
  expect(await refusal(admin.post('/auth/invites', {}))).toBe('409 limit_reached')
  expect(await refusal(admin.post(`/auth/people/${id}/reset`))).toBe('409 limit_reached')
  const page = await json<InvitesAnswer>(admin.get('/auth/invites'))
  expect(page).toMatchObject({ next: null })
  expect(page.invites).toHaveLength(100)
  expect((await admin.delete(`/auth/invites/${page.invites[0]?.id ?? ''}`)).status).toBe(200)
  expect((await admin.post('/auth/invites', {})).status).toBe(200)
  for (let round = 0; round < 3; round++) {
    await at.people.accounts.setPassword(id, GOOD_PASSWORD, OPERATOR)
    for (let n = 0; n < 100; n++) await at.people.registration.invite({ email: null, roles: ['user'] }, actor)
  }
  expect(count('select count(*) from codes where by_user_id is not null')).toBeLessThanOrEqual(201)
})

test('invitations of several administrators are listed a hundred per page', async () => {
  for (let n = 0; n < 60; n++) await at.people.registration.invite({ email: null, roles: ['user'] }, OPERATOR)
  const id = (await json<SessionAnswer>(admin.get('/auth/session'))).user?.id ?? ''
  for (let n = 0; n < 60; n++)
    await at.people.registration.invite(
      { email: null, roles: ['user'] },
      { userId: id, sessionId: null, client: CLIENT },
    )
  const first = await json<InvitesAnswer>(admin.get('/auth/invites'))
  const second = await json<InvitesAnswer>(admin.get(`/auth/invites?cursor=${first.next ?? ''}`))
  expect([first.invites.length, second.invites.length, second.next]).toEqual([100, 20, null])
  expect(new Set([...first.invites, ...second.invites].map(one => one.id)).size).toBe(120)
})

test('the security log keeps the latest two hundred events of each kind per account, so that none crowds out another', async () => {
  const id = (await json<SessionAnswer>(admin.get('/auth/session'))).user?.id ?? ''
  for (let n = 0; n < 260; n++)
    await at.people.accounts.changeName(id, `Name ${n}`, { userId: id, sessionId: null, client: CLIENT })
  expect(count("select count(*) from events where kind = 'name_changed'")).toBe(200)
  const kinds = new Set<string>()
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: EventsAnswer = await json<EventsAnswer>(
      admin.get(`/auth/events${cursor === '' ? '' : `?cursor=${cursor}`}`),
    )
    expect(page.events.length).toBeLessThanOrEqual(50)
    for (const { kind } of page.events) kinds.add(kind)
    cursor = page.next
  }
  expect([...kinds].sort()).toEqual(['account_created', 'name_changed', 'signed_in'])
})

test('an account has at most twenty linked identities', async () => {
  const id = (await json<SessionAnswer>(admin.get('/auth/session'))).user?.id ?? ''
  const link = (n: number) =>
    at.store.identities.link(
      {
        id: `i${n}`,
        userId: id,
        provider: 'work',
        issuer: 'https://work.example',
        subject: `s${n}`,
        email: null,
        emailVerified: false,
        label: 'X',
        linkedIn: null,
        createdAt: n,
        lastUsedAt: n,
      },
      null,
      originOf(OPERATOR, id, at.wall()),
    )
  for (let n = 0; n < 20; n++) await link(n)
  await expect(link(20)).rejects.toMatchObject({ code: 'limit_reached' })
  await link(3)
})

test('a password change that uses up the write limit still opens its new session', async () => {
  const id = (await json<SessionAnswer>(admin.get('/auth/session'))).user?.id ?? ''
  for (let n = 0; n < 59; n++) at.writeRate.spend(id)
  expect(() => at.writeRate.spend(id)).toThrow(expect.objectContaining({ code: 'slow_down' }))
  expect((await admin.post('/auth/password', { current: GOOD_PASSWORD, next: 'an entirely new lantern' })).status).toBe(
    200,
  )
  expect((await json<SessionAnswer>(admin.get('/auth/session'))).user?.name).toBe('Root')
})

test('a correct password opens sixty sessions in a row, then one per second', async () => {
  const codes: string[] = []
  for (let n = 0; n < 62; n++)
    codes.push(String((await at.browser().post('/auth/login', { email: root.email, password: root.password })).status))
  // Setup opened the first.
  expect([codes.indexOf('429'), codes.at(-1)]).toEqual([59, '429'])
  at.pass(2000)
  expect((await at.browser().post('/auth/login', { email: root.email, password: root.password })).status).toBe(200)
})
