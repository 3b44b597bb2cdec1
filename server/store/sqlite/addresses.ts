import type { UnixMs } from '../../base/clock.ts'
import { FRESH_MS } from '../../base/freshness.ts'
import { Problem } from '../../base/problem.ts'
import type { MailKind } from '../../contract/mail-kinds.ts'
import type { NewMail } from '../mail-types.ts'
import type { Maker, Origin } from '../account-types.ts'
import type { AddressStore, Changed, MailedCode } from '../types.ts'
import { holdsAddress, requireFree, writePassword } from './account-queries.ts'
import { useCode } from './codes.ts'
import type { Database } from './database.ts'
import { and, count, eq, gt, isNull } from './drizzle.ts'
import { noteCode, recordEvent } from './events.ts'
import { removeFactorsSince } from './factors.ts'
import { mayQueue, queueMail } from './mails.ts'
import { accounts, type AccountRow, codes, type CodeRow, mails } from './schema.ts'
import { endSessionsOf } from './session-ends.ts'
import { requireLiving, unlinkSince, voidCodes, voidMailed, voidRestoresAfter } from './voiding.ts'

/** How many earlier addresses of an account can be restored at a time. */
const RESTORES_MAX = 5
/** Seconds until a mail that was suppressed may be accepted. */
const SUPPRESSED_SECONDS = 60

export function addressQueries(db: Database): AddressStore {
  return {
    pending: (userId, now) =>
      db.read(() => {
        const code = pendingOf(db, userId, now)
        return code && { ...code, isRefused: wasRefused(db, code) }
      }),
    ask: (asked, origin) => db.write(() => ask(db, asked, origin)),
    cancel: (userId, origin) => db.write(() => cancel(db, userId, origin)),
    confirm: (codeHash, by, back, origin) => db.write(() => confirm(db, codeHash, { by, back }, origin)),
    restore: (codeHash, passwordSealed, told, origin) =>
      db.write(() => restore(db, codeHash, { passwordSealed, told }, origin)),
  }
}

function pendingOf(db: Database, userId: string, now: UnixMs): CodeRow | null {
  const isOpen = and(isNull(codes.usedAt), gt(codes.endsAt, now))
  return (
    db.sql
      .select()
      .from(codes)
      .where(and(eq(codes.userId, userId), eq(codes.kind, 'email'), isOpen))
      .get() ?? null
  )
}

function wasRefused(db: Database, { userId, codeHash }: CodeRow): boolean {
  const itsMail = and(eq(mails.userId, userId ?? ''), eq(mails.codeHash, codeHash), eq(mails.outcome, 'refused'))
  return db.sql.select({ id: mails.id }).from(mails).where(itsMail).get() !== undefined
}

function ask(db: Database, { code, mail }: MailedCode, origin: Origin): void {
  requireLiving(db, code.bySessionId)
  const { id, emailKey, language } = activeAccount(db, code.userId)
  const kind: MailKind = emailKey === code.email ? 'email_verify' : 'email_change'
  const letter: NewMail = { ...mail, kind, userId: id, language: language ?? mail.language }
  const isTaken = code.email !== null && holdsAddress(db, code.email, id, origin.at)
  // Both limits, whichever mail it will be: otherwise the answer would tell them apart.
  const isAccepted = [kind, 'email_in_use' as const].every(one =>
    mayQueue(db, { ...letter, ...origin, kind: one }, origin.at),
  )
  if (!isAccepted) {
    // A button that was pressed twice: the mail is on its way.
    if (pendingOf(db, id, origin.at)?.email === code.email) return
    throw new Problem('slow_down', { retryAfter: SUPPRESSED_SECONDS })
  }
  cancel(db, id, origin)
  db.sql.insert(codes).values(code).run()
  noteCode(db, 'code_created', code, origin)
  queueMail(
    db,
    isTaken ? { ...letter, kind: 'email_in_use', userId: null, sealed: null, codeHash: null } : letter,
    origin,
  )
  if (kind === 'email_change') recordEvent(db, 'email_requested', id, origin)
}

/** Deleted rather than used, so that an account has one at most. */
function cancel(db: Database, userId: string, origin: Origin): boolean {
  const open = pendingOf(db, userId, origin.at)
  db.sql
    .delete(codes)
    .where(and(eq(codes.userId, userId), eq(codes.kind, 'email')))
    .run()
  if (open !== null) noteCode(db, 'code_revoked', open, origin)
  return open !== null
}

function confirm(
  db: Database,
  codeHash: string,
  { by, back }: { by: Maker & { userId: string }; back: MailedCode },
  origin: Origin,
): Changed {
  requireLiving(db, by.sessionId)
  const { userId, email: emailKey, address: email } = useCode(db, 'email', codeHash, null, origin)
  if (userId !== by.userId || emailKey === null || email === null) throw new Problem('invalid_code')
  const before = activeAccount(db, userId)
  const confirmed = { email, emailKey, emailVerifiedAt: origin.at, mailRefusedAt: null }
  if (emailKey === before.emailKey) {
    const account = write(db, before, { ...confirmed, emailVerifiedAt: before.emailVerifiedAt ?? origin.at })
    recordEvent(db, 'email_verified', userId, origin)
    return { account, ended: [] }
  }
  requireFree(db, emailKey, userId, origin.at)
  voidMailed(db, userId, origin)
  const account = write(db, before, confirmed)
  recordEvent(db, 'email_changed', userId, origin)
  tellEarlier(db, before, back, origin)
  return { account, ended: [] }
}

/**
 * Nobody has shown that an unverified address is theirs, perhaps because it was misspelt: what restores it would hand the
 * account to a stranger.
 */
function tellEarlier(
  db: Database,
  { id, email, emailKey, emailVerifiedAt, language }: AccountRow,
  back: MailedCode,
  origin: Origin,
): void {
  if (email === null || emailKey === null) return
  const letter: NewMail = { ...back.mail, userId: id, address: email, addressKey: emailKey, language }
  if (emailVerifiedAt === null) {
    queueMail(db, { ...letter, kind: 'email_replaced', sealed: null, codeHash: null }, origin)
    return
  }
  const { open = 0 } =
    db.sql
      .select({ open: count() })
      .from(codes)
      .where(
        and(eq(codes.userId, id), eq(codes.kind, 'email_restore'), isNull(codes.usedAt), gt(codes.endsAt, origin.at)),
      )
      .get() ?? {}
  if (open >= RESTORES_MAX)
    throw new Problem('limit_reached', { detail: 'The address was changed too often. Try again in a few days.' })
  db.sql
    .insert(codes)
    .values({ ...back.code, userId: id, email: emailKey, address: email })
    .run()
  noteCode(db, 'code_created', { kind: 'email_restore', userId: id }, origin)
  // Without it, a thief would take the account away unnoticed.
  if (!queueMail(db, letter, origin)) throw new Problem('slow_down', { retryAfter: SUPPRESSED_SECONDS })
}

function restore(
  db: Database,
  codeHash: string,
  { passwordSealed, told }: { passwordSealed: string | null; told: NewMail },
  origin: Origin,
): Changed {
  const code = useCode(db, 'email_restore', codeHash, null, origin)
  const { userId, email: emailKey, address: email, createdAt } = code
  if (emailKey === null || email === null) throw new Problem('invalid_code')
  const before = activeAccount(db, userId)
  requireFree(db, emailKey, before.id, origin.at)
  const restored = write(db, before, { email, emailKey, emailVerifiedAt: origin.at, mailRefusedAt: null })
  recordEvent(db, 'email_restored', before.id, origin)
  voidRestoresAfter(db, code, origin)
  // Shortly before the change, too: whoever made it was signed in by then.
  const account = removeFactorsSince(db, restored, createdAt - FRESH_MS, origin)
  unlinkSince(db, before.id, createdAt - FRESH_MS, origin)
  if (before.email !== null && before.emailKey !== null && before.emailKey !== emailKey)
    queueMail(
      db,
      { ...told, userId: before.id, address: before.email, addressKey: before.emailKey, language: before.language },
      origin,
    )
  if (passwordSealed !== null) return writePassword(db, before.id, passwordSealed, 'password_reset', origin)
  voidCodes(db, before.id, origin)
  const why = { reason: 'signed_out_elsewhere', at: origin.at, byUserId: null } as const
  return { account, ended: endSessionsOf(db, { ...why, userId: before.id, except: null }) }
}

type AddressOf = Pick<AccountRow, 'email' | 'emailKey' | 'emailVerifiedAt' | 'mailRefusedAt'>

function write(db: Database, account: AccountRow, address: AddressOf): AccountRow {
  db.sql.update(accounts).set(address).where(eq(accounts.id, account.id)).run()
  return { ...account, ...address }
}

/** @throws Problem `invalid_code`, `account_disabled` */
function activeAccount(db: Database, id: string | null): AccountRow {
  const row = id === null ? undefined : db.sql.select().from(accounts).where(eq(accounts.id, id)).get()
  if (row === undefined) throw new Problem('invalid_code')
  if (row.disabledAt !== null) throw new Problem('account_disabled')
  return row
}
