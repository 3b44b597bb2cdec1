import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { noMeter } from '../base/meter.ts'
import { newRoot } from '../keys/file.ts'
import { createKeyring } from '../keys/keyring.ts'
import { accountRecord } from '../store/records.testing.ts'
import { rawOf, testStore } from '../store/store.testing.ts'
import { readSessionCookies } from './cookie-names.ts'
import { createSessions } from './sessions.ts'
import type { IssuedCookies, Resolution, Sessions, PresentedCookies } from './types.ts'

// All writes in one turn of the event loop are one commit, after which their callers are notified together: memory has
// to end up like the rows.

const NAMES = { access: '__Host-porchlight-access', refresh: '__Host-Http-porchlight-refresh' }
const CLIENT = { userAgent: 'test', network: '192.0.2.1' }
const SETTINGS = {
  accessMs: 15 * MINUTE,
  confirmMs: MINUTE,
  graceMs: 10 * MINUTE,
  idleMs: 7 * DAY,
  browserIdleMs: 12 * HOUR,
  absoluteMs: 30 * DAY,
  maxSessions: 100,
  secureCookies: true,
}
const PAGE = { renews: true, foreground: true }

const time = { wall: 1_800_000_000_000, steady: 0 }
const clock = { now: () => ({ ...time }) }
let opened: ReturnType<typeof testStore>
let sessions: Sessions

beforeEach(async () => {
  opened = testStore(clock)
  sessions = createSessions({
    clock,
    timers: { every: () => () => {} },
    log: createLog('silent'),
    meter: noMeter,
    store: opened.store.sessions,
    keyring: createKeyring([newRoot(time.wall)]),
    settings: SETTINGS,
  })
  await opened.store.accounts.create(accountRecord('ann'), {
    at: 1,
    byUserId: null,
    sessionId: null,
    userAgent: null,
    network: null,
  })
})
afterEach(async () => {
  await sessions.close()
  opened.remove()
})

const open = (replaces: string | null = null) =>
  sessions.open({
    userId: 'ann',
    amr: ['pwd'],
    remember: true,
    client: CLIENT,
    replaces: replaces === null ? null : { publicId: replaces, reauthenticates: false },
    newDevice: false,
    basis: null,
  })
const cookiesOf = (issued: IssuedCookies): PresentedCookies =>
  readSessionCookies(
    sessions
      .cookiesFor(issued)
      .map(line => line.split(';')[0])
      .join('; '),
    NAMES,
  )
const pass = (ms: number) => {
  time.wall += ms
  time.steady += ms
}

/** Everything that does not wait for the disk has run, but the turn is not over. */
const reachedTheStore = () => new Promise<void>(done => process.nextTick(done))

/** A session whose next request has to rotate. */
async function dueForRotation() {
  const { session, issued } = await open()
  const shown = { ...cookiesOf(issued), access: null }
  pass(20 * MINUTE)
  const renew = () => Promise.resolve(sessions.resolve(shown, PAGE))
  return { publicId: session.publicId, shown, renew }
}

const ways: Record<string, (publicId: string) => Promise<unknown>> = {
  'signed out': publicId => sessions.end(publicId, { reason: 'signed_out', userId: 'ann', byUserId: null }),
  'ended with all others': () => sessions.endAll('ann', { reason: 'password_changed', except: null, byUserId: null }),
  replaced: publicId => open(publicId),
}

test.each(Object.keys(ways))('a session that is refreshed and %s in one turn has ended, in either order', async way => {
  const end = ways[way] as (publicId: string) => Promise<unknown>
  for (const renewalFirst of [true, false]) {
    const { publicId, shown, renew } = await dueForRotation()
    const asked = renewalFirst ? [renew, () => end(publicId)] : [() => end(publicId), renew]
    const answers = []
    for (const ask of asked) {
      answers.push(ask())
      await reachedTheStore()
    }
    const renewal = (await Promise.all(answers))[renewalFirst ? 0 : 1] as Resolution
    const row = await opened.store.sessions.findByPublicId(publicId)
    expect(row).toMatchObject({ generation: renewalFirst ? 2 : 1, endedAt: time.wall })
    expect(renewal.state, 'what the rows say').toBe(
      renewalFirst ? 'live' : way === 'replaced' ? 'replaced' : 'anonymous',
    )
    if (renewal.state === 'live' && renewal.issued !== null)
      expect(sessions.cookiesFor(renewal.issued), 'nothing of it leaves').toEqual([])
    const next = await sessions.resolve(shown, PAGE)
    expect(next.state).toBe(way === 'replaced' ? 'replaced' : 'anonymous')
  }
})

test('a refresh whose shared commit fails leaves the session unchanged', async () => {
  const { publicId, renew } = await dueForRotation()
  const raw = rawOf(opened.store)
  raw.pragma('query_only = ON')
  const both = await Promise.allSettled([renew(), ways['signed out']?.(publicId)])
  raw.pragma('query_only = OFF')
  expect(both.map(one => one.status === 'rejected' && (one.reason as { code: string }).code)).toEqual([
    'store_unavailable',
    'store_unavailable',
  ])
  const again = await renew()
  expect(again).toMatchObject({ state: 'live', session: { publicId } })
  expect(again.state === 'live' && again.issued !== null && cookiesOf(again.issued).refresh).toContain('.2.')
})
