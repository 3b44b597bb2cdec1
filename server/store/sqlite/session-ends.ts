import type { UnixMs } from '../../base/clock.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { and, eq, isNull, ne, type SQL, sql } from './drizzle.ts'
import { queueNotice } from './mails.ts'
import { endGrants } from './provider-grants.ts'
import { events, sessions, type SessionRow } from './schema.ts'
import { END_BATCH, toEnded } from '../session-rules.ts'
import type { EndedBatch, EndedSession } from '../types.ts'
import {
  madeSomething,
  requireAdministrator,
  requireLiving,
  voidCodes,
  voidCodesExceptIn,
  voidLinkedLately,
  voidMadeIn,
} from './voiding.ts'

// How rows of sessions end. Everything here is synchronous, for use inside a `db.write` of any store file.

/** Why sessions end, and who ended them. */
interface Why {
  reason: EndReason
  at: UnixMs
  byUserId: string | null
}
type Which = Why & { userId: string; except: string | null }

/**
 * Ends all of an account's active sessions and writes their log rows. For transactions that need all of them ended or
 * none: the caller ensures that there are no more than the limit.
 */
export function endSessionsOf(db: Database, which: Which): EndedSession[] {
  return endOf(db, which, undefined)
}

/**
 * The same for a batch of them.
 * @returns `more`: there may be others
 * @throws Problem if the caller may no longer do so: their session, which is to stay, has ended, or they are not an
 * administrator
 */
export function endBatchOf(db: Database, which: Which): EndedBatch {
  requireLiving(db, which.except)
  if (which.byUserId !== null) requireAdministrator(db, { userId: which.byUserId, sessionId: null })
  const ended = endOf(db, which, END_BATCH)
  return { ended, more: ended.length >= END_BATCH }
}

function endOf(db: Database, which: Which, limit: number | undefined): EndedSession[] {
  if (which.except === null) voidCodes(db, which.userId, { ...which, network: null })
  else voidCodesExceptIn(db, which.userId, which.except, { ...which, network: null })
  const theirs = and(
    eq(sessions.userId, which.userId),
    isNull(sessions.endedAt),
    which.except === null ? undefined : ne(sessions.publicId, which.except),
  )
  const some =
    limit === undefined ? theirs : sql`rowid in (select rowid from ${sessions} where ${theirs} limit ${limit})`
  const beside = voidLinkedLately(db, which)
  return [...endRows(db, some, which), ...endBeside(db, beside, which)].map(toEnded)
}

/** The same for sessions by their public ids. */
export function endSessionsNamed(
  db: Database,
  publicIds: readonly string[],
  why: { reason: EndReason; at: UnixMs },
): EndedSession[] {
  return publicIds
    .flatMap(publicId => endRows(db, eq(sessions.publicId, publicId), { ...why, byUserId: null }))
    .map(toEnded)
}

/**
 * The same for a batch of all accounts' sessions: after a restore, or when keys were compromised. Uses the index of
 * active ones.
 */
export function endAnyBatch(db: Database, why: { reason: EndReason; at: UnixMs }): EndedBatch {
  const some = sql`rowid in (select rowid from ${sessions} where ended_at is null order by absolute_ends_at limit ${END_BATCH})`
  const ended = endRows(db, some, { ...why, byUserId: null })
  return { ended: ended.map(toEnded), more: ended.length >= END_BATCH }
}

export function endRows(
  db: Database,
  where: SQL | undefined,
  why: Why & { lastSeenAt?: UnixMs | undefined },
): SessionRow[] {
  const ended = db.sql
    .update(sessions)
    .set({
      endedAt: why.at,
      endReason: why.reason,
      ...(why.lastSeenAt === undefined ? {} : { lastSeenAt: why.lastSeenAt }),
    })
    .where(and(where, isNull(sessions.endedAt)))
    .returning()
    .all()
  endGrants(
    db,
    ended.map(row => row.publicId),
    why.at,
  )
  const beside = madeSomething(db, ended, why).flatMap(row => voidMadeIn(db, row, why))
  logEnds(db, ended, why)
  if (why.reason === 'refresh_reuse')
    for (const row of ended) queueNotice(db, 'refresh_reuse', row.userId, { ...row, at: why.at, byUserId: null })
  return [...ended, ...endBeside(db, beside, why)]
}

/** Ends sessions that were opened by an identity that was linked in a session that is no longer trusted. */
function endBeside(db: Database, publicIds: readonly string[], { at, byUserId }: Why): SessionRow[] {
  return publicIds.flatMap(publicId =>
    endRows(db, eq(sessions.publicId, publicId), { reason: 'signed_out_elsewhere', at, byUserId }),
  )
}

/** One statement for all of them: separate ones would take most of the time. */
function logEnds(db: Database, ended: readonly SessionRow[], { at, reason, byUserId }: Why): void {
  if (ended.length === 0) return
  const ids = JSON.stringify(ended.map(row => row.publicId))
  db.sql.run(sql`insert into ${events} (at, kind, user_id, by_user_id, session_id, reason, user_agent, network)
    select ${at}, 'session_ended', s.user_id, ${byUserId}, s.public_id, ${reason}, s.user_agent, s.network
    from json_each(${ids}) as e join ${sessions} as s on s.public_id = e.value order by e.key`)
}
