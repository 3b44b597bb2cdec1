import type { Notice } from '../../contract/mail-kinds.ts'
import type { EventKind } from '../../contract/wire.ts'
import type { Origin } from '../account-types.ts'
import type { EventStore } from '../types.ts'
import type { Database } from './database.ts'
import { queueNotice } from './mails.ts'
import { and, desc, eq, lt, sql } from './drizzle.ts'
import { accounts, type CodeRow, events } from './schema.ts'

export function eventQueries(db: Database): EventStore {
  const columns = {
    id: events.id,
    at: events.at,
    kind: events.kind,
    userId: events.userId,
    byUserId: events.byUserId,
    sessionId: events.sessionId,
    reason: events.reason,
    userAgent: events.userAgent,
    network: events.network,
    byName: accounts.name,
  }
  const page = db.sql
    .select(columns)
    .from(events)
    .leftJoin(accounts, eq(accounts.id, events.byUserId))
    .where(and(eq(events.userId, sql.placeholder('userId')), lt(events.id, sql.placeholder('before'))))
    .orderBy(desc(events.id))
    .limit(sql.placeholder('limit'))
    .prepare()

  return {
    page: (userId, before, limit) =>
      db.read(() => page.all({ userId, before: before ?? Number.MAX_SAFE_INTEGER, limit })),
  }
}

/** Kinds that are logged where they are decided, with details only known there. */
type ToldElsewhere = 'signed_in' | 'sign_in_failed' | 'session_ended' | 'mail_refused'

const FAILURES: ReadonlySet<EventKind> = new Set([
  'password_locked',
  'passkey_counter_reversed',
  'second_factor_failed',
  'second_factor_locked',
])

/**
 * Writes one log row, and a line for the operator's log. Synchronous: for use inside the `db.write` that it records.
 * @param notice what the owner is told, if it is a kind that they are told
 */
export function recordEvent(
  db: Database,
  kind: Exclude<EventKind, ToldElsewhere>,
  userId: string,
  origin: Origin,
  notice: EventKind | Notice = kind,
): void {
  db.sql
    .insert(events)
    .values({ kind, userId, ...origin })
    .run()
  queueNotice(db, notice, userId, origin)
  if (kind === 'reset_link_made') noteCode(db, 'code_created', { kind: 'reset', userId }, origin)
  else
    db.note({
      event: kind,
      outcome: FAILURES.has(kind) ? 'failure' : 'success',
      accountId: userId,
      ...whoAndWhence(origin),
    })
}

/**
 * A line about a one-time code.
 * @param of the account that it opens or has created, if known
 */
export function noteCode(
  db: Database,
  event: 'code_created' | 'code_used' | 'code_revoked',
  of: { kind: CodeRow['kind']; userId: string | null },
  origin: Pick<Origin, 'byUserId' | 'network'>,
): void {
  db.note({ event, outcome: 'success', reason: of.kind, accountId: of.userId ?? undefined, ...whoAndWhence(origin) })
}

function whoAndWhence({ byUserId, network }: Pick<Origin, 'byUserId' | 'network'>) {
  return { by: byUserId ?? undefined, network: network ?? undefined }
}

/**
 * The same for an account that may not exist: one statement either way, so that both cases do the same work (ASVS
 * 6.3.8).
 */
export function recordEventIfKnown(db: Database, kind: EventKind, userId: string, origin: Origin): void {
  db.sql.run(sql`insert into ${events} (at, kind, user_id, by_user_id, session_id, user_agent, network)
    select ${origin.at}, ${kind}, ${userId}, ${origin.byUserId}, ${origin.sessionId}, ${origin.userAgent}, ${origin.network}
    where exists (select 1 from ${accounts} where id = ${userId})`)
}
