import type { SQL } from 'drizzle-orm'
import type { UnixMs } from '../../base/clock.ts'
import type { Database } from './database.ts'
import { sql } from './drizzle.ts'
import { providerGrants } from './schema.ts'
import { endOfSlice } from './batches.ts'
import { SLIGHT_THROTTLES, STALE_THROTTLES } from './throttles.ts'

/**
 * Deletes what is no longer needed, at most `limit` rows a call, so that no request waits long for the write lock. Each
 * returns how many rows went: fewer than `limit` means that it is done.
 */
export interface HousekeepingStore {
  events(before: UnixMs, limit: number): Promise<number>
  /** Sessions that were over before then, whether or not anybody came to hear of it. */
  sessions(before: UnixMs, limit: number): Promise<number>
  /** One-time codes that were used or ran out before then. */
  codes(before: UnixMs, limit: number): Promise<number>
  /** Failed attempts, the last of which was before then; the counts that lock a password stay over a year longer. */
  throttles(before: UnixMs, limit: number): Promise<number>
  /** The oldest of those that say little, where there are more than `most` in all. */
  surplusThrottles(most: number, limit: number): Promise<number>
  /**
   * Of `limit` grants of providers after `after`, for which there is no index: those whose session is gone are ended,
   * so that they are given back.
   * @returns the sessions of others that are past their end, though nobody came to hear of it
   */
  overdueGrants(
    at: UnixMs,
    after: number,
    limit: number,
  ): Promise<{ orphaned: number; overdue: string[]; next: number | null }>
  /** Names that could be used once and ran out before then. */
  singleUses(before: UnixMs, limit: number): Promise<number>
}

export function housekeepingQueries(db: Database): HousekeepingStore {
  const remove = (table: string, where: SQL, limit: number) =>
    db.write(
      () =>
        db.sql.run(
          sql`delete from ${sql.identifier(table)} where rowid in (select rowid from ${sql.identifier(table)} where ${where} limit ${limit})`,
        ).changes,
    )

  return {
    events: (before, limit) => remove('events', sql`at < ${before}`, limit),
    sessions: (before, limit) =>
      remove('sessions', sql`ended_at < ${before} or (ended_at is null and absolute_ends_at < ${before})`, limit),
    codes: (before, limit) => remove('codes', sql`coalesce(used_at, ends_at) < ${before}`, limit),
    throttles: (before, limit) => remove('throttles', STALE_THROTTLES(before), limit),
    surplusThrottles: (most, limit) =>
      db.write(() => {
        const surplus = db.sql.get<{ n: number }>(sql`select count(*) as n from throttles`).n - most
        if (surplus <= 0) return 0
        return db.sql.run(
          sql`delete from throttles where key in (select key from throttles where ${SLIGHT_THROTTLES} order by last_failure_at limit ${Math.min(surplus, limit)})`,
        ).changes
      }),
    overdueGrants: (at, after, limit) =>
      db.write(() => {
        const next = endOfSlice(db, providerGrants, after, limit)
        if (next === null) return { orphaned: 0, overdue: [], next }
        const living = sql`rowid > ${after} and rowid <= ${next} and ended_at is null`
        const { changes: orphaned } = db.sql.run(sql`update provider_grants set ended_at = ${at}
        where ${living} and not exists (select 1 from sessions s where s.public_id = session_id and s.ended_at is null)`)
        const overdue = db.sql.all<{ id: string }>(sql`select distinct session_id as id from provider_grants
        where ${living} and exists (select 1 from sessions s where s.public_id = session_id and min(s.absolute_ends_at, s.last_seen_at + s.idle_ms) <= ${at})`)
        return { orphaned, overdue: overdue.map(({ id }) => id), next }
      }),
    singleUses: (before, limit) => remove('single_uses', sql`ends_at < ${before}`, limit),
  }
}
