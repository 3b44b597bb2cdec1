import type { Database } from './database.ts'
import { inArray, sql } from './drizzle.ts'
import { sessions } from './schema.ts'
import { endRows } from './session-ends.ts'
import { chooseExcess, END_BATCH, ENDED_KEPT_MAX, toEnded } from '../session-rules.ts'
import type { EndedBatch, SessionLimit } from '../types.ts'

/** Limits an account's sessions. Synchronous: for use inside a `db.write`. */
export function sessionLimits(db: Database) {
  const columns = {
    sidHash: sessions.sidHash,
    publicId: sessions.publicId,
    lastSeenAt: sessions.lastSeenAt,
    idleMs: sessions.idleMs,
    absoluteEndsAt: sessions.absoluteEndsAt,
  }
  const living = db.sql
    .select(columns)
    .from(sessions)
    .where(sql`${sessions.userId} = ${sql.placeholder('userId')} and ${sessions.endedAt} is null`)
    .orderBy(sql`rowid`)
    .limit(sql.placeholder('limit'))
    .prepare()
  const forget = db.raw.prepare(`delete from sessions where rowid in
    (select rowid from sessions where user_id = ? and ended_at is not null order by ended_at desc limit ${END_BATCH} offset ${ENDED_KEPT_MAX})`)

  return {
    endExcess(userId: string, limit: SessionLimit): EndedBatch {
      // Enough to have a whole batch over the limit if not all are found.
      const sought = limit.max + END_BATCH
      const found = living.all({ userId, limit: sought })
      const all = chooseExcess(found, limit)
      const over = all.slice(0, END_BATCH)
      const ended = [...Map.groupBy(over, one => one.reason)].flatMap(([reason, chosen]) =>
        endRows(
          db,
          inArray(
            sessions.sidHash,
            chosen.map(one => one.sidHash),
          ),
          { reason, at: limit.at, byUserId: null },
        ),
      )
      return { ended: ended.map(toEnded), more: over.length < all.length || found.length === sought }
    },

    forgetOld(userId: string): void {
      forget.run(userId)
    },
  }
}
