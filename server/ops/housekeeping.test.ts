import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../base/clock.ts'
import {
  addCrowd,
  handClock,
  installation,
  noTimers,
  type Services,
  signedIn,
} from '../../tests/support/installation.ts'
import { startHousekeeping } from './housekeeping.ts'
import { rawOf } from '../store/store.testing.ts'

const { hand, clock, pass } = handClock()

let home: ReturnType<typeof installation>
let services: Services
beforeEach(async () => {
  home = installation(clock)
  services = await home.start()
})
afterEach(async () => {
  await services.close()
  home.remove()
})

describe('housekeeping', () => {
  test('keeps an ended session and the security log for 90 days, then deletes both', async () => {
    const { userId, session } = await signedIn(services)
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId, byUserId: null })
    const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } })
    const rows = () =>
      rawOf(services.store)
        .prepare('SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM events) AS events')
        .get()
    const before = rows()
    pass(90 * DAY)
    expect(await housekeeping.run()).toMatchObject({ sessions: 0, events: 0 })
    expect(rows()).toEqual(before)
    pass(1)
    expect(await housekeeping.run()).toMatchObject({ sessions: 1 })
    expect(rows()).toEqual({ sessions: 0, events: 0 })
  })

  test('deletes more than one batch', async () => {
    const { userId } = await signedIn(services)
    const insert = rawOf(services.store).prepare('INSERT INTO events (at, kind, user_id) VALUES (1, ?, ?)')
    rawOf(services.store).transaction(() => {
      for (let i = 0; i < 1234; i++) insert.run(`kind ${i % 10}`, userId)
    })()
    expect(
      await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run(),
    ).toMatchObject({ events: 1234 })
  })

  test('what was granted to sessions that are over is found among what was granted to others, slice by slice', async () => {
    const { session, userId } = await signedIn(services)
    addCrowd(services, session.publicId, 3000)
    const raw = rawOf(services.store)
    raw
      .prepare(
        `INSERT INTO provider_grants (id, session_id, user_id, provider, issuer, subject, birth, refreshes, created_at)
      SELECT public_id, public_id, ?, 'main', 'https://main.example', 'ada', 'sign_in', 0, 1 FROM sessions`,
      )
      .run(userId)
    raw
      .prepare("UPDATE sessions SET absolute_ends_at = ? WHERE public_id IN ('crowd-1', 'crowd-2500')")
      .run(hand.wall - HOUR)
    raw.prepare("UPDATE sessions SET idle_ms = 1, last_seen_at = 1 WHERE public_id = 'crowd-1200'").run()
    raw.prepare("UPDATE sessions SET ended_at = 1 WHERE public_id = 'crowd-3000'").run()
    raw.prepare("DELETE FROM sessions WHERE public_id = 'crowd-99'").run()
    expect(
      await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run(),
    ).toMatchObject({ overdueGrants: 5 })
    expect(raw.prepare('SELECT id FROM provider_grants WHERE ended_at IS NOT NULL ORDER BY id').pluck().all()).toEqual([
      'crowd-1',
      'crowd-1200',
      'crowd-2500',
      'crowd-3000',
      'crowd-99',
    ])
    // They end as they would have, had somebody come back: with their reason.
    expect(
      raw
        .prepare(
          "SELECT public_id, end_reason FROM sessions WHERE public_id IN ('crowd-1', 'crowd-1200', 'crowd-2500') ORDER BY public_id",
        )
        .raw()
        .all(),
    ).toEqual([
      ['crowd-1', 'absolute'],
      ['crowd-1200', 'idle'],
      ['crowd-2500', 'absolute'],
    ])
  })

  test('a wall clock that leaps deletes nothing, warns once, and is believed after a day', async () => {
    await signedIn(services)
    const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } })
    hand.wall += 400 * DAY
    expect(await housekeeping.run()).toBeNull()
    pass(HOUR)
    expect(await housekeeping.run()).toBeNull()
    expect(home.logged.filter(line => line.includes('clock jumped'))).toHaveLength(1)
    pass(DAY)
    expect(await housekeeping.run()).not.toBeNull()
  })

  test('raises the counter each time, in the database and in the key file', async () => {
    const before = services.keys.counter() ?? 0
    await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run()
    expect([services.keys.counter(), await services.store.keyRecords.counter()]).toEqual([before + 1, before + 1])
  })
})
