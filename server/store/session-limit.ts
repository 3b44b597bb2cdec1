import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { inArray, sql } from './drizzle.ts'
import { sessions } from './schema.ts'
import { type EndedSession, endRows, toEnded } from './session-ends.ts'

export interface SessionLimit {
  /** Living sessions that a person may have; as many throwaway ones beside. */
  max: number
  at: UnixMs
  /** The session that was just opened, which stays: its public id. null: none was. */
  keep: string | null
  /** What memory knows of when a session was last seen: 0 where it knows nothing. */
  lastSeenAt: (sidHash: string) => UnixMs
}

/**
 * Ended sessions of a person that are kept to tell the reason: whoever signs in and out for days on end fills no disk.
 */
const ENDED_KEPT_MAX = 1000
/** Rows beyond a limit that one transaction deals with. */
const BATCH = 50

interface Living {
  sidHash: string
  publicId: string
  lastSeenAt: UnixMs
  idleMs: number
  absoluteEndsAt: UnixMs
}

/** Bounds what one person's sessions can grow to. Synchronous: for use inside a `db.write`. */
export function sessionLimits(db: Database) {
  const columns = {
    sidHash: sessions.sidHash,
    publicId: sessions.publicId,
    lastSeenAt: sessions.lastSeenAt,
    idleMs: sessions.idleMs,
    absoluteEndsAt: sessions.absoluteEndsAt,
    accessMs: sessions.accessMs,
  }
  const living = db.sql
    .select(columns)
    .from(sessions)
    .where(sql`${sessions.userId} = ${sql.placeholder('userId')} and ${sessions.endedAt} is null`)
    .orderBy(sql`rowid`)
    .limit(sql.placeholder('limit'))
    .prepare()
  const forget = db.raw.prepare(`delete from sessions where rowid in
    (select rowid from sessions where user_id = ? and ended_at is not null order by ended_at desc limit ${BATCH} offset ${ENDED_KEPT_MAX})`)

  return {
    endExcess(userId: string, limit: SessionLimit): { ended: EndedSession[]; more: boolean } {
      // So many that one of the two kinds has to be over the limit where not all are found.
      const sought = 2 * limit.max + BATCH
      const found = living.all({ userId, limit: sought })
      const kinds = [found.filter(one => one.accessMs === null), found.filter(one => one.accessMs !== null)]
      const all = kinds.flatMap(rows => chooseExcess(rows, limit))
      const over = all.slice(0, BATCH)
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

/**
 * Of living sessions, those that are too many: the ones past their end, and if that is not enough, the ones idle
 * longest.
 */
function chooseExcess(
  rows: readonly Living[],
  { max, at, keep, lastSeenAt }: SessionLimit,
): { sidHash: string; reason: EndReason }[] {
  const excess = rows.length - max
  if (excess <= 0) return []
  const judged = rows.map(row => {
    const seenAt = Math.max(row.lastSeenAt, lastSeenAt(row.sidHash))
    const reason: EndReason = seenAt + row.idleMs <= at ? 'idle' : row.absoluteEndsAt <= at ? 'absolute' : 'too_many'
    return { sidHash: row.sidHash, publicId: row.publicId, seenAt, reason }
  })
  return judged
    .filter(one => one.publicId !== keep)
    .sort((a, b) => Number(a.reason === 'too_many') - Number(b.reason === 'too_many') || a.seenAt - b.seenAt)
    .slice(0, excess)
}
