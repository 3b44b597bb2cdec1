import { DAY, HOUR, MINUTE, type UnixMs } from '../../base/clock.ts'
import { isNotice, type MailKind } from '../../contract/mail-kinds.ts'
import type { MailRecord, MailStore, NewMail } from '../mail-types.ts'
import { randomId } from '../../base/ids.ts'
import type { Origin } from '../account-types.ts'
import type { Database } from './database.ts'
import { and, asc, count, eq, gt, isNotNull, isNull, lte, min, sql } from './drizzle.ts'
import { accounts, codes, events, mails, type MailRow } from './schema.ts'

/** Mails of one kind to one address. */
const PER_HOUR = 5
/** The same mail about the same client within this time is a repetition: a button pressed twice. */
const REPEATED_MS = MINUTE
/** Mails that wait: some 10 MB. Beyond it the server has not taken any for long, and no further ones are accepted. */
const OUTBOX_MAX = 10_000
/** After this long, what a mail tells is no news. */
const NEWS_MS = 2 * DAY

export function mailQueries(db: Database): MailStore {
  const due = db.sql
    .select()
    .from(mails)
    .where(and(isNull(mails.endedAt), isNull(mails.startedAt), lte(mails.nextAt, sql.placeholder('now'))))
    .orderBy(asc(mails.nextAt))
    .limit(1)
    .prepare()
  const update = (id: string, changes: Partial<Record<keyof MailRow, unknown>>) =>
    db.sql
      .update(mails)
      .set(changes as Partial<MailRow>)
      .where(eq(mails.id, id))
      .run()
  const end = (id: string, outcome: MailRecord['outcome'], at: UnixMs) =>
    update(id, { outcome, endedAt: at, startedAt: null, sealed: null })

  function expire({ id, kind, userId }: MailRow, now: UnixMs): void {
    end(id, 'expired', now)
    db.note({ event: 'mail_expired', outcome: 'failure', reason: kind, accountId: userId ?? undefined })
  }

  function take(now: UnixMs): MailRecord | null {
    for (;;) {
      const next = due.get({ now })
      if (next === undefined) return null
      if (next.codeHash !== null && !isUsable(db, next.codeHash, now)) end(next.id, 'void', now)
      else if (now - next.createdAt > NEWS_MS) expire(next, now)
      else {
        const begun = { startedAt: now, attempts: next.attempts + 1 }
        update(next.id, begun)
        return { ...next, ...begun }
      }
    }
  }

  return {
    queue: (mail, at) => db.write(() => queueMail(db, mail, { at, byUserId: null, userAgent: null, network: null })),
    // Most of the time nothing is due, and a read costs no disk write.
    takeNext: async now => ((await db.read(() => due.get({ now }))) === undefined ? null : db.write(() => take(now))),
    postpone: (id, nextAt, doubt) =>
      db.write(() => void update(id, { nextAt, startedAt: null, ...(doubt && { doubts: sql`${mails.doubts} + 1` }) })),
    putBack: (id, nextAt) =>
      db.write(() => void update(id, { nextAt, startedAt: null, attempts: sql`${mails.attempts} - 1` })),
    finish: (id, outcome, at) =>
      db.write(() => {
        end(id, outcome, at)
        if (outcome === 'refused' || outcome === 'sent') noteOutcome(db, id, outcome, at)
      }),
    recover: now =>
      db.write(
        () =>
          db.sql
            .update(mails)
            .set({ startedAt: null, nextAt: now, doubts: sql`${mails.doubts} + 1` })
            .where(and(isNull(mails.endedAt), isNotNull(mails.startedAt)))
            .run().changes,
      ),
    summary: since =>
      db.read(() => {
        const { waiting = 0, oldest = null } =
          db.sql
            .select({ waiting: count(), oldest: min(mails.createdAt) })
            .from(mails)
            .where(isNull(mails.endedAt))
            .get() ?? {}
        const ended = db.sql
          .select({ outcome: mails.outcome, n: count() })
          .from(mails)
          .where(gt(mails.endedAt, since))
          .groupBy(mails.outcome)
          .all()
        return { waiting, oldest, ended: Object.fromEntries(ended.map(({ outcome, n }) => [outcome, n])) }
      }),
  }
}

type WhatAndWhence = Pick<Origin, 'at' | 'byUserId' | 'userAgent' | 'network'>

/**
 * Queues a mail. Synchronous: part of the transaction of what it is about.
 * @returns false if it was suppressed
 */
export function queueMail(db: Database, mail: NewMail, { at, byUserId, userAgent, network }: WhatAndWhence): boolean {
  const origin = { byUserId, userAgent, network }
  if (!mayQueue(db, { ...mail, ...origin }, at)) return false
  const unsent = { nextAt: at, attempts: 0, doubts: 0, startedAt: null, endedAt: null, outcome: null }
  db.sql
    .insert(mails)
    .values({ ...mail, ...origin, ...unsent, createdAt: at })
    .run()
  return true
}

/** Whether another mail of this kind may go to that address now, and the outbox has room. Synchronous. */
export function mayQueue(
  db: Database,
  mail: Pick<MailRow, 'addressKey' | 'kind' | 'userAgent' | 'network'>,
  at: UnixMs,
): boolean {
  const recent = db.sql
    .select({ at: mails.createdAt, userAgent: mails.userAgent, network: mails.network })
    .from(mails)
    .where(and(eq(mails.addressKey, mail.addressKey), eq(mails.kind, mail.kind), gt(mails.createdAt, at - HOUR)))
    .limit(PER_HOUR)
    .all()
  if (recent.length >= PER_HOUR) return false
  const isRepeated = recent.some(
    other => at - other.at < REPEATED_MS && other.userAgent === mail.userAgent && other.network === mail.network,
  )
  if (isRepeated) return false
  const waiting = db.sql.get<{ n: number }>(
    sql`select count(*) as n from (select 1 from mails where ended_at is null limit ${OUTBOX_MAX})`,
  ).n
  if (waiting < OUTBOX_MAX) return true
  db.note({ event: 'mail_suppressed', outcome: 'failure', reason: 'outbox_full' })
  return false
}

/**
 * Tells an account's owner what has just been recorded, if it is a kind that they are told and mail is configured.
 * Synchronous: part of the same transaction.
 */
export function queueNotice(db: Database, kind: string, userId: string, origin: WhatAndWhence): void {
  if (!db.queuesNotices || !isNotice(kind)) return
  const account = db.sql
    .select({ email: accounts.email, emailKey: accounts.emailKey, language: accounts.language })
    .from(accounts)
    .where(eq(accounts.id, userId))
    .get()
  if (account === undefined || account.email === null || account.emailKey === null) return
  const { email: address, emailKey: addressKey, language } = account
  queueMail(db, { ...newMail(kind, userId), address, addressKey, language }, origin)
}

/**
 * A refusal is in the log of the account, and administrators see it beside the address until a mail is taken again. The
 * line for the operator has the server's reason.
 */
function noteOutcome(db: Database, id: string, outcome: 'refused' | 'sent', at: UnixMs): void {
  const columns = { userId: mails.userId, addressKey: mails.addressKey }
  const { userId = null, addressKey = '' } = db.sql.select(columns).from(mails).where(eq(mails.id, id)).get() ?? {}
  if (userId === null) return
  if (outcome === 'refused') db.sql.insert(events).values({ kind: 'mail_refused', userId, at }).run()
  const before = outcome === 'refused' ? undefined : isNotNull(accounts.mailRefusedAt)
  db.sql
    .update(accounts)
    .set({ mailRefusedAt: outcome === 'refused' ? at : null })
    .where(and(eq(accounts.id, userId), eq(accounts.emailKey, addressKey), before))
    .run()
}

const newMail = (kind: MailKind, userId: string) => ({ id: randomId(), kind, userId, sealed: null, codeHash: null })

function isUsable(db: Database, codeHash: string, now: UnixMs): boolean {
  return (
    db.sql
      .select({ id: codes.id })
      .from(codes)
      .where(and(eq(codes.codeHash, codeHash), isNull(codes.usedAt), gt(codes.endsAt, now)))
      .get() !== undefined
  )
}
