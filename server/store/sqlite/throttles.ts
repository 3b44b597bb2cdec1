import { DAY, type UnixMs } from '../../base/clock.ts'
import { codeKeys, confirmKey, knownLock, strangersKeys } from '../throttle-keys.ts'
import type { ThrottleStore } from '../types.ts'
import type { Database } from './database.ts'
import { eq, everyColumn, inArray, sql } from './drizzle.ts'
import { recordEvent, recordEventIfKnown } from './events.ts'
import { type AccountRow, throttles, type ThrottleRow } from './schema.ts'

/** The row that is written if there is no account; it is never read. */
const UNKNOWN = 'unknown'

export function throttleQueries(db: Database): ThrottleStore {
  const thisKey = eq(throttles.key, sql.placeholder('key'))
  const byKey = db.sql.select().from(throttles).where(thisKey).prepare()
  const upsert = db.sql
    .insert(throttles)
    .values(everyColumn(throttles))
    .onConflictDoUpdate({
      target: throttles.key,
      set: {
        failures: sql`excluded.failures`,
        lastFailureAt: sql`excluded.last_failure_at`,
        nextAt: sql`excluded.next_at`,
      },
    })
    .prepare()
  const forgetOne = db.sql.delete(throttles).where(thisKey).prepare()
  const find = (key: string) => byKey.get({ key }) ?? null
  function put(row: ThrottleRow | null): void {
    if (row !== null) upsert.run({ ...row })
  }

  return {
    reserve: (keys, decide) =>
      db.write(() => {
        const decided = decide({ recent: find(keys.recent), lock: find(keys.lock), network: find(keys.network) })
        put(decided.write.recent)
        put(decided.write.lock)
        put(decided.write.network)
        return decided
      }),
    reserveAll: (keys, decide) =>
      db.write(() => {
        const decided = decide(keys.map(find))
        for (const row of decided.writes) put(row)
        return decided
      }),
    failed: (userId, lockedNow, origin) =>
      db.writePatiently(() => {
        // Unknown addresses write as much to the disk, or the time would tell them apart.
        if (userId === '') put({ key: UNKNOWN, failures: 0, lastFailureAt: origin.at, nextAt: 0 })
        else recordEventIfKnown(db, 'sign_in_failed', userId, origin)
        if (lockedNow && userId !== '') recordEvent(db, 'password_locked', userId, origin)
      }),
    recordOutcome: ({ forget, refund }) =>
      db.writePatiently(() => {
        for (const key of forget) forgetOne.run({ key })
        for (const { key, left } of refund) {
          const row = left(find(key))
          if (row === null) forgetOne.run({ key })
          else put(row)
        }
      }),
  }
}

/** A new password has no failed attempts yet. Synchronous: part of the transaction that sets it. */
export function clearLocks(db: Database, { id, emailKey }: Pick<AccountRow, 'id' | 'emailKey'>): void {
  db.sql
    .delete(throttles)
    .where(
      inArray(throttles.key, [...(emailKey === null ? [] : strangersKeys(emailKey)), knownLock(id), confirmKey(id)]),
    )
    .run()
}

/** Another factor, or a new one, has no failed attempts yet. Synchronous: part of the transaction that records it. */
export function clearFactorLocks(db: Database, userId: string): void {
  db.sql
    .delete(throttles)
    .where(inArray(throttles.key, codeKeys(userId)))
    .run()
}

/**
 * Locks are kept this much longer than other counts: after a year, an address gets a hundred attempts more, known or
 * not.
 */
const LOCKS_KEPT_LONGER_MS = 400 * DAY

/** Rows that a time limit may remove. */
export const STALE_THROTTLES = (before: UnixMs) =>
  sql`last_failure_at < ${before} and (key not like 'lock:%' or last_failure_at < ${before - LOCKS_KEPT_LONGER_MS})`
/** Rows that may be deleted if there are too many: those with few failures. */
export const SLIGHT_THROTTLES = sql`failures < 10`
