import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ThrottleRecord } from '../store/types.ts'
import { networkOf } from './client-network.ts'
import { testPeople } from './accounts.testing.ts'
import {
  ACCOUNT,
  countAttempt,
  LOCK_AT,
  NETWORK,
  refundOf,
  reserveAttempt,
  THROTTLE_KEPT_MS,
} from './credential-throttle.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The waits of someone who tries again as soon as allowed. */
function waits(attempts: number, policy = ACCOUNT): number[] {
  let row: ThrottleRecord | null = null
  let now = 0
  return Array.from({ length: attempts }, () => {
    row = countAttempt('k', row, policy, now)
    const wait = row.nextAt - now
    now = row.nextAt
    return wait / 1000
  })
}

test('NI-9 a few attempts are free, then the waits grow from 30 seconds to an hour', () => {
  expect(waits(14)).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
})

test('an attempt that comes too soon is refused with the seconds to wait, without extending the wait', () => {
  let row: ThrottleRecord | null = null
  for (let n = 0; n < 5; n++) row = countAttempt('k', row, ACCOUNT, 0)
  expect(() => countAttempt('k', row, ACCOUNT, 10_500)).toThrow(
    expect.objectContaining({ code: 'slow_down', extras: { retryAfter: 20 } }),
  )
  expect(countAttempt('k', row, ACCOUNT, 30_000).failures).toBe(6)
})

test('failures expire over time, one by one', () => {
  let row: ThrottleRecord | null = null
  for (let n = 0; n < 5; n++) row = countAttempt('k', row, ACCOUNT, 0)
  expect(countAttempt('k', row, ACCOUNT, 2 * DAY).failures).toBe(4)
  expect(countAttempt('k', row, ACCOUNT, 30 * DAY).failures).toBe(1)
})

test('a row that housekeeping may delete has no effect any more, so deleting it does not reveal whether an address is known', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 * HOUR }), { maxLength: 60 }), pauses => {
      let row: ThrottleRecord | null = null
      let now = 0
      for (const pause of pauses) {
        now += pause
        try {
          row = countAttempt('k', row, ACCOUNT, now)
        } catch {
          /* too soon */
        }
      }
      const later = (row?.lastFailureAt ?? 0) + THROTTLE_KEPT_MS
      expect(countAttempt('k', row, ACCOUNT, later)).toEqual(countAttempt('k', null, ACCOUNT, later))
    }),
  )
})

describe('refunding an attempt that did not fail', () => {
  const row = (failures: number, lastFailureAt: number, nextAt: number) => ({
    key: 'k',
    failures,
    lastFailureAt,
    nextAt,
  })
  const count = (before: ThrottleRecord | null, now: number) => countAttempt('k', before, NETWORK, now)

  test('removes it entirely if nothing was counted since: its wait ends, and the previous one is restored', () => {
    for (const before of [null, row(3, 0, 0), row(24, 0, 480_000)]) {
      const counted = count(before, 500_000)
      expect(refundOf(before, counted, NETWORK).left(counted)).toEqual(before)
    }
  })

  test('an attempt taken back does not end a wait that failures since have earned', () => {
    const own = count(row(20, 0, 0), 30_000)
    const failed = count(own, own.nextAt)
    expect(failed).toEqual(row(22, 90_000, 210_000))
    expect(refundOf(row(20, 0, 0), own, NETWORK).left(failed), 'one failure fewer, half the wait').toEqual(
      row(21, 90_000, 150_000),
    )
  })

  test('in any order leaves what the failures alone would have counted', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 19 }), fc.infiniteStream(fc.nat()), (outcomes, picks) => {
        let held: ThrottleRecord | null = null
        const refunds: ReturnType<typeof refundOf>[] = []
        for (const [now, isRight] of outcomes.entries()) {
          const before: ThrottleRecord | null = held
          held = count(before, now)
          if (isRight) refunds.push(refundOf(before, held, NETWORK))
        }
        while (refunds.length > 0) {
          const [refund] = refunds.splice((picks.next().value ?? 0) % refunds.length, 1)
          held = refund?.left(held) ?? null
        }
        expect(held?.failures ?? 0).toBe(outcomes.filter(isRight => !isRight).length)
        expect(held?.nextAt ?? 0).toBeLessThanOrEqual(outcomes.length)
      }),
    )
  })
})

test('after the clock was set back no one waits until the old time: the next failure starts a wait by the current clock', () => {
  let row: ThrottleRecord | null = null
  let now = 10 * HOUR
  for (let n = 0; n < 14; n++) {
    row = countAttempt('k', row, ACCOUNT, now)
    now = row.nextAt
  }
  const next = countAttempt('k', row, ACCOUNT, 0)
  expect(next).toEqual({ key: 'k', failures: row?.failures, lastFailureAt: 0, nextAt: HOUR })
  expect(() => countAttempt('k', next, ACCOUNT, 0)).toThrow(expect.objectContaining({ extras: { retryAfter: 3600 } }))
})

test('NI-8 the fiftieth consecutive failure locks the password, and nothing is compared afterwards', () => {
  const keys = { recent: 'r', lock: 'l', network: 'n' }
  const lock = (failures: number) => ({ key: 'l', failures, lastFailureAt: 0, nextAt: 0 })
  const at = (failures: number) => reserveAttempt(keys, { recent: null, network: null, lock: lock(failures) }, 0)
  expect(at(LOCK_AT - 2)).toMatchObject({ locks: false })
  expect(at(LOCK_AT - 1)).toMatchObject({ locks: true })
  expect(() => at(LOCK_AT)).toThrow(expect.objectContaining({ code: 'password_locked' }))
  expect(2 * LOCK_AT).toBeLessThanOrEqual(100)
})

test('the longer of two waits is reported', () => {
  const row = (key: string, nextAt: number) => ({ key, failures: 9, lastFailureAt: 0, nextAt })
  const attempt = () =>
    reserveAttempt(
      { recent: 'r', lock: 'l', network: 'n' },
      { recent: row('r', 5000), lock: null, network: row('n', 90_000) },
      0,
    )
  expect(attempt).toThrow(expect.objectContaining({ extras: { retryAfter: 90 } }))
})

test('ASVS 6.3.1 one network may only continue to fail about every five minutes', () => {
  const total = waits(60, NETWORK).reduce((sum, wait) => sum + wait, 0)
  expect(total).toBeGreaterThan(60 * 60)
})

test('an IPv6 customer counts as one network, an IPv4-mapped client as IPv4', () => {
  expect(networkOf('203.0.113.9')).toBe('203.0.113.9')
  expect(networkOf('::ffff:203.0.113.9')).toBe('203.0.113.9')
  expect(networkOf('::ffff:cb00:7109')).toBe('203.0.113.9')
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:db8:1:2::ffff'))
  expect(networkOf('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'))
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(networkOf('::1')).toBe('0:0:0:0::/64')
  expect(networkOf('nonsense')).toBe('unknown')
})

test('ASVS 6.3.8 a failure for an unknown address writes a row like one for a known address, so that both take as long', async () => {
  const { store, close } = testPeople()
  const origin = { at: 5, byUserId: null, sessionId: null, userAgent: null, network: null }
  await store.throttles.failed('', false, origin)
  let written: unknown = null
  await store.throttles.reserveAll(['unknown'], ([row]) => {
    written = row
    return { writes: [{ key: 'unknown', failures: 0, lastFailureAt: 6, nextAt: 0 }] }
  })
  await close()
  expect(written).toMatchObject({ lastFailureAt: 5 })
})
