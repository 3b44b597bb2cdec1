import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SessionListAnswer } from '../../contract/wire.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { testRoutes } from './routes.testing.ts'
import { rawOf } from '../../store/store.testing.ts'

// One account with far more sessions than the limit, as an older version allowed: whatever it, an administrator or the
// command line does with them must not block other requests.

// All batches are alike, so 6,000 sessions show what 100,000 would.
const MANY = 6000
/**
 * The maximum duration of one turn of the event loop, in processor time, so that other load on the machine does not
 * matter.
 */
const HELD_MAX_MS = 20

let at: ReturnType<typeof testRoutes>
let userId: string
beforeEach(async () => {
  at = testRoutes()
  await at.people.accounts.create(
    { email: 'root@example.org', name: 'Root', roles: ['admin'], password: GOOD_PASSWORD },
    OPERATOR,
  )
  userId = (
    await at.people.accounts.create(
      { email: 'ann@example.org', name: 'Ann', roles: ['user'], password: GOOD_PASSWORD },
      OPERATOR,
    )
  ).id
})
afterEach(() => at.close())

async function signedIn() {
  const browser = at.browser()
  expect((await browser.post('/auth/login', { email: 'ann@example.org', password: GOOD_PASSWORD })).status).toBe(200)
  return browser
}

/** Copies one active session many times, each a little older. */
function multiply(): void {
  const raw = rawOf(at.store)
  const columns = (raw.pragma('table_info(sessions)') as { name: string }[]).map(({ name }) => name)
  const copied = columns.map(
    name =>
      ({ sid_hash: "'old ' || value", public_id: "'old ' || value", last_seen_at: 'last_seen_at - value' })[name] ??
      name,
  )
  raw.exec(`with recursive n(value) as (select 1 union all select value + 1 from n where value < ${MANY})
    insert into sessions (${columns.join(', ')}) select ${copied.join(', ')} from (select * from sessions where ended_at is null limit 1), n`)
}
const living = () =>
  (rawOf(at.store).prepare('select count(*) as count from sessions where ended_at is null').get() as { count: number })
    .count
const reasons = () =>
  rawOf(at.store)
    .prepare("select distinct end_reason from sessions where public_id like 'old %' order by 1")
    .pluck()
    .all()

/**
 * @returns the processor time of the longest turn during `work`, ignoring two outliers, which may be garbage
 * collections
 */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let going = true
  const turns: number[] = []
  const watch = (async () => {
    for (let before = process.threadCpuUsage(); going;) {
      await new Promise(resolve => setImmediate(resolve))
      const now = process.threadCpuUsage()
      turns.push((now.user + now.system - before.user - before.system) / 1000)
      before = now
    }
  })()
  try {
    await work()
  } finally {
    going = false
    await watch
  }
  return turns.sort((a, b) => b - a)[2] ?? 0
}

const ends: Record<
  string,
  { act: (mine: Awaited<ReturnType<typeof signedIn>>) => Promise<unknown>; left: number; why: string[] }
> = {
  'DELETE /auth/sessions': {
    act: async mine => expect(await (await mine.delete('/auth/sessions')).json()).toEqual({ ended: MANY }),
    left: 1,
    why: ['signed_out_elsewhere'],
  },
  'a change of password': {
    act: async mine =>
      expect(
        (await mine.post('/auth/password', { current: GOOD_PASSWORD, next: 'another lantern left burning' })).status,
      ).toBe(200),
    left: 1,
    why: ['password_changed', 'too_many'],
  },
  disabling: {
    act: () => at.people.accounts.change(userId, { disabled: true }, OPERATOR),
    left: 0,
    why: ['disabled', 'too_many'],
  },
  'a new password from the command line': {
    act: () => at.people.accounts.setPassword(userId, 'another lantern left burning', OPERATOR),
    left: 0,
    why: ['password_changed', 'too_many'],
  },
  'session end --of': {
    act: () => at.sessions.endAll(userId, { reason: 'admin', except: null, byUserId: null }),
    left: 0,
    why: ['admin'],
  },
  'key rotate --compromised': {
    act: () => at.store.maintenance.revokeAll({ reason: 'keys_compromised', at: at.wall() }, at.sessions.announce),
    left: 0,
    why: ['keys_compromised'],
  },
  'another sign-in': {
    act: async () => {
      await signedIn()
      await expect.poll(living, { timeout: 60_000 }).toBe(100)
    },
    left: 100,
    why: [null as never, 'too_many'],
  },
}

test.each(Object.keys(ends))(
  '%s with thousands of sessions of one account ends them in batches, without blocking the event loop for more than 20 ms',
  { timeout: 120_000 },
  async name => {
    const { act, left, why } = ends[name] as (typeof ends)[string]
    const mine = await signedIn()
    multiply()
    const held = await longestTurn(() => act(mine))
    expect([living(), reasons()]).toEqual([left, why])
    expect(held).toBeLessThan(HELD_MAX_MS)
  },
)

test('ASVS 7.5.2 the list is paged: the current session first, each session once; invalid cursors and sizes are refused', async () => {
  const mine = await signedIn()
  multiply()
  await mine.get('/auth/sessions?limit=50')
  const pages: SessionListAnswer[] = []
  const held = await longestTurn(async () => {
    for (let next: string | null = ''; next !== null && pages.length < 20; next = pages.at(-1)?.next ?? null) {
      pages.push(
        (await (
          await mine.get(`/auth/sessions?limit=50${next === '' ? '' : `&cursor=${next}`}`)
        ).json()) as SessionListAnswer,
      )
    }
  })
  expect(held).toBeLessThan(HELD_MAX_MS)
  expect(pages[0]?.sessions.map(one => one.current)).toEqual([true, ...Array.from({ length: 50 }, () => false)])
  const ids = pages.flatMap(page => page.sessions.map(one => one.id))
  expect(new Set(ids).size).toBe(ids.length)
  expect(((await (await mine.get('/auth/sessions')).json()) as SessionListAnswer).sessions).toHaveLength(101)
  for (const query of ['cursor=x', 'cursor=-1', 'cursor=1.5', 'limit=0', 'limit=101', 'limit=many']) {
    expect((await mine.get(`/auth/sessions?${query}`)).status, query).toBe(400)
  }
})

test('an account has at most a hundred sessions, however often it signs in', { timeout: 60_000 }, async () => {
  for (let i = 0; i < 103; i++) {
    await at.sessions.open({
      userId,
      amr: ['pwd'],
      remember: true,
      client: { userAgent: '', network: '' },
      replaces: null,
      newDevice: false,
      basis: null,
    })
  }
  expect(living()).toBe(100)
})
