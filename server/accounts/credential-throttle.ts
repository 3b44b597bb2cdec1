import { DAY, HOUR, MINUTE, SECOND, type UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { AttemptCounts, AttemptKeys, Refund, ThrottleRecord, ThrottleStore } from '../store/types.ts'

/** The throttling of one kind of attempt. */
export interface Policy {
  /** The number of failures before there is a wait. */
  free: number
  /** One failure expires per this time without a further one. */
  forgetMs: number
}

export const ACCOUNT: Policy = { free: 5, forgetMs: DAY }
/**
 * Many people may share one address (an office, a mobile network), so it tolerates more failures and forgets them
 * sooner.
 */
export const NETWORK: Policy = { free: 20, forgetMs: 5 * MINUTE }

/** A lock has no waits, and its failures never expire. */
const LOCK: Policy = { free: Infinity, forgetMs: Infinity }

/** For everyone behind a peer that is not trusted, whatever networks they invent: ten times one network. */
export const CROWD: Policy = { free: 10 * NETWORK.free, forgetMs: NETWORK.forgetMs / 10 }

const FIRST_WAIT_MS = 30 * SECOND
const LONGEST_WAIT_MS = HOUR
/** After this many doublings the wait stops growing, and further counting would only delay expiry. */
const GROWTH = Math.ceil(Math.log2(LONGEST_WAIT_MS / FIRST_WAIT_MS)) + 1

/**
 * Consecutive failures that lock a password until it is replaced or its owner signs in from a known device. Strangers
 * and known devices are counted separately: together they stay within the hundred of NIST SP 800-63B-4 §3.2.2.
 */
export const LOCK_AT = 50

/** When all failures of a count have expired: an older row has no effect. */
export const THROTTLE_KEPT_MS = (ACCOUNT.free + GROWTH + 1) * DAY

/**
 * Counts an attempt as failed before it is judged, so that concurrent ones are all counted.
 * @throws Problem `slow_down` with the seconds to wait if it comes too soon
 */
export function countAttempt(key: string, row: ThrottleRecord | null, policy: Policy, now: UnixMs): ThrottleRecord {
  const waitMs = waitOf(row, now)
  if (waitMs > 0) throw new Problem('slow_down', { retryAfter: Math.ceil(waitMs / SECOND) })
  const failures = Math.min(remembered(row, policy, now) + 1, policy.free + GROWTH)
  return { key, failures, lastFailureAt: now, nextAt: now + waitAfter(failures, policy) }
}

function waitAfter(failures: number, { free }: Policy): number {
  return failures < free ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (failures - free), LONGEST_WAIT_MS)
}

/** Removes an attempt that did not fail from its count: what remains is what the others have earned. */
export function refundOf(before: ThrottleRecord | null, counted: ThrottleRecord, policy: Policy): Refund {
  return { key: counted.key, left: row => leftOf(row, { before, counted, policy }) }
}

function leftOf(
  row: ThrottleRecord | null,
  { before, counted, policy }: { before: ThrottleRecord | null; counted: ThrottleRecord; policy: Policy },
): ThrottleRecord | null {
  if (row === null) return null
  // Nothing was counted since, so this attempt's wait ends and any previous one is restored.
  if (row.failures === counted.failures && row.lastFailureAt === counted.lastFailureAt) return before
  const failures = Math.max(0, row.failures - 1)
  return { ...row, failures, nextAt: Math.min(row.nextAt, row.lastFailureAt + waitAfter(failures, policy)) }
}

/**
 * Counts an attempt as failed under each key, or under none.
 * @returns what refunds it
 * @throws Problem `slow_down`
 */
export async function countUnder(
  throttles: Pick<ThrottleStore, 'reserveAll'>,
  counts: readonly (readonly [key: string, policy: Policy])[],
  now: UnixMs,
): Promise<Refund[]> {
  const { refunds } = await throttles.reserveAll(
    counts.map(([key]) => key),
    rows => {
      const counted = counts.map(([key, policy], at) => {
        const before = rows[at] ?? null
        const write = countAttempt(key, before, policy, now)
        return { write, refund: refundOf(before, write, policy) }
      })
      return { writes: counted.map(({ write }) => write), refunds: counted.map(({ refund }) => refund) }
    },
  )
  return refunds
}

export interface Reserved {
  write: AttemptCounts
  /** What refunds the attempt under each key. */
  refund: Record<keyof AttemptKeys, Refund>
  /** Whether a failure of this attempt locks the password. */
  locks: boolean
}

/**
 * Decides whether an attempt may be made now, and counts it under all three keys.
 * @throws Problem `locked` if the password, or the codes, are locked: nothing is compared with it, so that every attempt gets
 * the same response; `slow_down` with the longest of the waits
 */
export function reserveAttempt(
  keys: AttemptKeys,
  rows: AttemptCounts,
  now: UnixMs,
  locked: 'password_locked' | 'second_factor_locked' = 'password_locked',
): Reserved {
  const failed = rows.lock?.failures ?? 0
  if (failed >= LOCK_AT) throw new Problem(locked)
  const waitMs = Math.max(waitOf(rows.recent, now), waitOf(rows.network, now))
  if (waitMs > 0) throw new Problem('slow_down', { retryAfter: Math.ceil(waitMs / SECOND) })
  const lock = { key: keys.lock, failures: Math.min(failed + 1, LOCK_AT), lastFailureAt: now, nextAt: 0 }
  const recent = countAttempt(keys.recent, rows.recent, ACCOUNT, now)
  const network = countAttempt(keys.network, rows.network, NETWORK, now)
  return {
    write: { recent, lock, network },
    refund: {
      recent: refundOf(rows.recent, recent, ACCOUNT),
      lock: refundOf(rows.lock, lock, LOCK),
      network: refundOf(rows.network, network, NETWORK),
    },
    locks: lock.failures === LOCK_AT,
  }
}

/**
 * A wait longer than the maximum was started before the clock was set back: its end is unknown, and the next failure
 * starts another.
 */
function waitOf(row: ThrottleRecord | null, now: UnixMs): number {
  const waitMs = row === null ? 0 : row.nextAt - now
  return waitMs > LONGEST_WAIT_MS ? 0 : waitMs
}

function remembered(row: ThrottleRecord | null, policy: Policy, now: UnixMs): number {
  if (row === null) return 0
  const forgotten = Math.floor(Math.max(0, now - row.lastFailureAt) / policy.forgetMs)
  return Math.max(0, row.failures - forgotten)
}
