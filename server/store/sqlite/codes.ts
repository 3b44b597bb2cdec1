import { Problem } from '../../base/problem.ts'
import type { UnixMs } from '../../base/clock.ts'
import type { NewMail } from '../mail-types.ts'
import type { Maker, Origin } from '../account-types.ts'
import type { CodeStore } from '../types.ts'
import { anybody, insertAccount, writePassword } from './account-queries.ts'
import type { Database } from './database.ts'
import { and, count, desc, eq, gt, inArray, isNotNull, isNull, lte, notInArray, or, sql } from './drizzle.ts'
import { noteCode, recordEvent } from './events.ts'
import { BOTH, tookFactors } from './factors.ts'
import { mayQueue, queueMail } from './mails.ts'
import { accounts, type AccountRow, codes, type CodeRow, mails } from './schema.ts'
import { isAdministrator, requireAdministrator, voidResets } from './voiding.ts'

export function codeQueries(db: Database): CodeStore {
  return {
    createSetup: row =>
      db.write(() => {
        if (anybody(db)) throw new Problem('already_set_up')
        db.sql.delete(codes).where(eq(codes.kind, 'setup')).run()
        db.sql.insert(codes).values(row).run()
        noteCode(db, 'code_created', row, { byUserId: row.byUserId, network: null })
      }),
    createInvite: (row, origin, mail = null) =>
      db.write(() => {
        requireAdministrator(db, makerOf(row))
        boundCodesOf(db, row)
        const isMailed = mail !== null && queueMail(db, mail, origin)
        db.sql
          .insert(codes)
          .values({ ...row, address: isMailed ? mail.address : null })
          .run()
        noteCode(db, 'code_created', row, origin)
        return isMailed
      }),
    createReset: (row, origin) =>
      db.write(() => {
        requireAdministrator(db, makerOf(row))
        if (db.sql.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, row.userId)).get() === undefined)
          throw new Problem('not_found')
        if (row.byUserId !== null && tookFactors(db, row.userId, row.createdAt))
          throw new Problem('forbidden', { detail: BOTH })
        voidResets(db, row.userId, origin)
        boundCodesOf(db, row)
        db.sql.insert(codes).values(row).run()
        recordEvent(db, 'reset_link_made', row.userId, origin)
      }),
    mailReset: (code, mail, origin) => db.write(() => mailReset(db, code, mail, origin)),

    find: (kind, codeHash, now) =>
      db.read(
        () =>
          db.sql
            .select()
            .from(codes)
            .where(and(eq(codes.codeHash, codeHash), usable(kind, now)))
            .get() ?? null,
      ),
    invites: (now, after, limit) =>
      db.read(() =>
        db.sql
          .select({ code: codes, byName: accounts.name, isRefused: wasRefused })
          .from(codes)
          .leftJoin(accounts, eq(accounts.id, codes.byUserId))
          .where(
            and(
              usable('invite', now),
              after === null
                ? undefined
                : sql`(${codes.createdAt}, ${codes.id}) < (select created_at, id from codes where id = ${after})`,
            ),
          )
          .orderBy(desc(codes.createdAt), desc(codes.id))
          .limit(limit)
          .all()
          .map(({ code, ...more }) => ({ ...code, byName: more.byName, isRefused: more.isRefused === 1 })),
      ),
    revokeInvite: (id, maker, origin) =>
      db.write(() => {
        requireAdministrator(db, maker)
        const [revoked] = db.sql
          .delete(codes)
          .where(and(eq(codes.id, id), usable('invite', origin.at)))
          .returning()
          .all()
        if (revoked !== undefined) noteCode(db, 'code_revoked', revoked, origin)
        return revoked !== undefined
      }),

    useSetup: (codeHash, account, origin) =>
      db.write(() => {
        if (anybody(db)) throw new Problem('already_set_up')
        const { roles } = useCode(db, 'setup', codeHash, account.id, origin)
        return insertAccount(db, { ...account, roles }, origin)
      }),
    useInvite: (codeHash, account, origin) =>
      db.write(() => useInvite(db, codeHash, account, origin, { keepRoles: false })),
    useReset: (codeHash, passwordSealed, origin) =>
      db.write(() => {
        const { userId, byUserId, email } = useCode(db, 'reset', codeHash, null, origin)
        if (userId === null || !mayStill(db, byUserId)) throw new Problem('invalid_code')
        if (email !== null) noteVerified(db, userId, email, origin.at)
        const changed = writePassword(db, userId, passwordSealed, 'password_reset', origin)
        if (changed.account.disabledAt !== null) throw new Problem('account_disabled')
        return changed
      }),
  }
}

/** Whether the mail with an invitation was refused. */
const wasRefused = sql<number>`exists (select 1 from ${mails} where address_key = ${codes.email} and kind = 'invitation'
  and code_hash = ${codes.codeHash} and outcome = 'refused')`

/** The throttle of forgotten passwords has been written by then, for unknown addresses too. */
function mailReset(db: Database, code: CodeRow, mail: NewMail, origin: Origin): void {
  const account =
    code.email === null ? undefined : db.sql.select().from(accounts).where(eq(accounts.emailKey, code.email)).get()
  if (account === undefined || account.email === null || account.disabledAt !== null) return
  const to = { ...mail, userId: account.id, address: account.email }
  if (account.passwordSealed === null) {
    queueMail(db, { ...to, kind: 'reset_elsewhere', sealed: null, codeHash: null }, origin)
    return
  }
  // Otherwise the earlier mail's link would stop working without another in its place.
  if (!mayQueue(db, { ...to, ...origin }, origin.at)) return
  voidResets(db, account.id, origin)
  db.sql
    .insert(codes)
    .values({ ...code, userId: account.id, address: account.email })
    .run()
  queueMail(db, to, origin)
  recordEvent(db, 'reset_link_made', account.id, origin)
}

/**
 * Whoever read the mail has the address.
 * @throws Problem `invalid_code` if it is the account's no more
 */
function noteVerified(db: Database, userId: string, emailKey: string, at: UnixMs): void {
  const { changes } = db.sql
    .update(accounts)
    .set({ emailVerifiedAt: sql`coalesce(${accounts.emailVerifiedAt}, ${at})` })
    .where(and(eq(accounts.id, userId), eq(accounts.emailKey, emailKey)))
    .run()
  if (changes === 0) throw new Problem('invalid_code')
}

/**
 * Uses an invitation and creates the account. Synchronous.
 * @param keepRoles the account's roles are already decided; otherwise they are the invitation's
 * @throws Problem `invalid_code`, also if it is for another address or its creator may no longer invite; `email_taken`
 */
export function useInvite(
  db: Database,
  codeHash: string,
  account: AccountRow,
  origin: Origin,
  { keepRoles }: { keepRoles: boolean },
): AccountRow {
  const { email, address, roles, byUserId } = useCode(db, 'invite', codeHash, account.id, origin)
  if (email !== null && email !== account.emailKey) throw new Problem('invalid_code')
  if (!mayStill(db, byUserId)) throw new Problem('invalid_code')
  const emailVerifiedAt = address === null ? account.emailVerifiedAt : origin.at
  return insertAccount(db, { ...account, emailVerifiedAt, ...(!keepRoles && { roles }) }, { ...origin, byUserId })
}

/**
 * Check and use are one statement, so that only one of several concurrent uses gets the row.
 * @param accountId the account that it creates, if any
 */
export function useCode(
  db: Database,
  kind: CodeRow['kind'],
  codeHash: string,
  accountId: string | null,
  origin: Origin,
): CodeRow {
  const [used] = db.sql
    .update(codes)
    .set({ usedAt: origin.at })
    .where(and(eq(codes.codeHash, codeHash), usable(kind, origin.at)))
    .returning()
    .all()
  if (used === undefined) throw new Problem('invalid_code')
  noteCode(db, 'code_used', { kind, userId: used.userId ?? accountId }, origin)
  return used
}

/** A code depends on its creator's current authority: nobody who was removed returns by a code of their own. */
function mayStill(db: Database, byUserId: string | null): boolean {
  return byUserId === null || isAdministrator(db, byUserId)
}

const makerOf = ({ byUserId, bySessionId }: CodeRow): Maker => ({ userId: byUserId, sessionId: bySessionId })

/** The maximum number of an account's open codes, and of its used or expired ones that are kept. */
const CODES_MAX = 100

/** @throws Problem `limit_reached` if the creator already has too many open codes */
function boundCodesOf(db: Database, { kind, byUserId, createdAt }: CodeRow): void {
  // The command line may give everybody a link, as after an import: one for each account, so they need no bound.
  if (byUserId === null && kind === 'reset') return
  const theirs =
    byUserId === null
      ? and(isNull(codes.byUserId), notInArray(codes.kind, ['reset', 'email_restore']))
      : eq(codes.byUserId, byUserId)
  const { open = 0 } =
    db.sql
      .select({ open: count() })
      .from(codes)
      .where(and(theirs, isNull(codes.usedAt), gt(codes.endsAt, createdAt)))
      .get() ?? {}
  if (open >= CODES_MAX)
    throw new Problem('limit_reached', {
      detail: `${CODES_MAX} links are already open. Revoke some, or wait until they expire.`,
    })
  const over = db.sql
    .select({ id: codes.id })
    .from(codes)
    .where(and(theirs, or(isNotNull(codes.usedAt), lte(codes.endsAt, createdAt))))
    .orderBy(desc(codes.createdAt), desc(codes.id))
    .limit(Number.MAX_SAFE_INTEGER)
    .offset(CODES_MAX)
  db.sql.delete(codes).where(inArray(codes.id, over)).run()
}

function usable(kind: CodeRow['kind'], now: UnixMs) {
  return and(eq(codes.kind, kind), isNull(codes.usedAt), gt(codes.endsAt, now))
}
