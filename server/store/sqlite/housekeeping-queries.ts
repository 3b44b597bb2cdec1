import type { SQL } from 'drizzle-orm'
import { MINUTE, type UnixMs } from '../../base/clock.ts'
import { positionOf } from '../cursors.ts'
import type { Cursor, HousekeepingStore } from '../types.ts'
import type { Database } from './database.ts'
import { sql } from './drizzle.ts'
import { providerGrants } from './schema.ts'
import { nextSlice } from './batches.ts'
import { SLIGHT_THROTTLES, STALE_THROTTLES } from './throttles.ts'

interface Living {
  absoluteEndsAt: UnixMs
  id: number
  idleEndsAt: UnixMs
}

/** From this end on; of those with the second, only those with a greater rowid. */
type Place = [from: UnixMs, beyond: UnixMs, id: number]

/** @throws Problem `invalid_query` */
function placeOf(after: Cursor | null, now: UnixMs): Place {
  if (after === null) return [now + 1, now, 0]
  const [absoluteEndsAt = '', id = ''] = after.split('.')
  const end = positionOf(absoluteEndsAt)
  return [end, end, positionOf(id)]
}

/** A sign-in that waits for a second factor has ended by then: its grant is revoked. */
const PARKED_MS = 15 * MINUTE

export function housekeepingQueries(db: Database): HousekeepingStore {
  const remove = (table: string, where: SQL, limit: number) =>
    db.write(
      () =>
        db.sql.run(
          sql`delete from ${sql.identifier(table)} where rowid in (select rowid from ${sql.identifier(table)} where ${where} limit ${limit})`,
        ).changes,
    )

  // An index, instead of a walk through the many more that have ended.
  const living = db.raw.prepare<[...Place, number], Living>(
    `select absolute_ends_at as absoluteEndsAt, rowid as id, last_seen_at + idle_ms as idleEndsAt from sessions
    where ended_at is null and absolute_ends_at >= ? and (absolute_ends_at > ? or rowid > ?)
    order by absolute_ends_at, rowid limit ?`,
  )

  return {
    events: (before, limit) => remove('events', sql`at < ${before}`, limit),
    sessions: (before, limit) =>
      remove('sessions', sql`ended_at < ${before} or (ended_at is null and absolute_ends_at < ${before})`, limit),
    codes: (before, limit) => remove('codes', sql`coalesce(used_at, ends_at) < ${before}`, limit),
    mails: (before, limit) => remove('mails', sql`ended_at < ${before}`, limit),
    throttles: (before, limit) => remove('throttles', STALE_THROTTLES(before), limit),
    surplusThrottles: (most, limit) =>
      db.write(() => {
        const surplus = db.sql.get<{ n: number }>(sql`select count(*) as n from throttles`).n - most
        if (surplus <= 0) return 0
        return db.sql.run(
          sql`delete from throttles where key in (select key from throttles where ${SLIGHT_THROTTLES} order by last_failure_at limit ${Math.min(surplus, limit)})`,
        ).changes
      }),
    countLiving: (at, after, limit) =>
      db.read(() => {
        const rows = living.all(...placeOf(after, at), limit)
        const last = rows.length < limit ? undefined : rows.at(-1)
        return {
          living: rows.filter(({ idleEndsAt }) => idleEndsAt > at).length,
          next: last === undefined ? null : `${last.absoluteEndsAt}.${last.id}`,
        }
      }),
    overdueGrants: (at, after, limit) =>
      db.write(() => {
        const slice = nextSlice(db, providerGrants, after, limit)
        if (slice === null) return { orphaned: 0, overdue: [], next: null }
        const living = sql`${slice.rows} and ended_at is null`
        const { changes: orphaned } = db.sql.run(sql`update provider_grants set ended_at = ${at}
        where ${living} and (session_id not like 'pending:%' or created_at < ${at - PARKED_MS}) and not exists (select 1 from sessions s where s.public_id = session_id and s.ended_at is null)`)
        const overdue = db.sql.all<{ id: string }>(sql`select distinct session_id as id from provider_grants
        where ${living} and exists (select 1 from sessions s where s.public_id = session_id and min(s.absolute_ends_at, s.last_seen_at + s.idle_ms) <= ${at})`)
        return { orphaned, overdue: overdue.map(({ id }) => id), next: slice.next }
      }),
    singleUses: (before, limit) => remove('single_uses', sql`ends_at < ${before}`, limit),
  }
}
