import { Problem } from '../../base/problem.ts'
import type { UnixMs } from '../../base/clock.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import type { Role } from '../../contract/wire.ts'
import { type Database, isConstraint } from './database.ts'
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, max, ne, type SQL, sql } from './drizzle.ts'
import { type Origin, recordEvent } from './events.ts'
import { accounts, type AccountRow, sessions } from './schema.ts'
import { endSessionsOf } from './session-ends.ts'
import type { EndedSession } from '../types.ts'
import { clearLocks } from './throttles.ts'
import { type Maker, requireAdministrator, voidCodes } from './voiding.ts'

export type AccountWithSessions = AccountRow & { sessions: number; lastSeenAt: UnixMs | null }
/** A sealed password verifier and whose it is. */
export interface Verifier {
  id: string
  passwordSealed: string
}

export interface AccountStore {
  find(id: string): Promise<AccountRow | null>
  findByEmail(emailKey: string): Promise<AccountRow | null>
  /**
   * A page of everybody, oldest account first, with how many sessions live and when one was last seen.
   * @param after the last id of the page before, or null; one that nobody has begins nowhere
   */
  page(now: UnixMs, after: string | null, limit: number): Promise<AccountWithSessions[]>
  /** The same of one. */
  summary(id: string, now: UnixMs): Promise<AccountWithSessions | null>
  count(): Promise<number>
  anybody(): Promise<boolean>
  /**
   * Makes an account. The very first one is an administrator, whatever `row` says: otherwise there could never be one.
   * @throws Problem `email_taken`
   */
  create(row: AccountRow, origin: Origin): Promise<AccountRow>
  /**
   * The same for somebody who registers: not before set-up.
   * @throws Problem `email_taken`, `registration_closed`
   */
  register(row: AccountRow, origin: Origin): Promise<AccountRow>
  /** @throws Problem `not_found` */
  changeName(id: string, name: string, origin: Origin): Promise<AccountRow>
  /**
   * Roles, disabling and enabling. Disabling ends every session. Fields that are null stay; asking for what is already
   * so changes nothing. Either voids every open code of the account and by it.
   * @throws Problem `not_found`; `forbidden`, `not_signed_in` when the maker lost that power meanwhile; `last_admin`
   * when nobody could administer afterwards
   */
  change(
    id: string,
    change: { roles: Role[] | null; disabled: boolean | null },
    maker: Maker,
    origin: Origin,
  ): Promise<Changed>
  /**
   * A new password that its owner chose: every session ends, and the count of failed sign-ins starts again.
   * @param expected the verifier that the current password was checked against
   * @throws Problem `not_found`; `invalid_credentials` when the password was changed in between
   */
  changePassword(id: string, expected: string, passwordSealed: string, origin: Origin): Promise<Changed>
  /**
   * A new password set over the person's head: the command line.
   * @throws Problem `not_found`
   */
  setPassword(id: string, passwordSealed: string, origin: Origin): Promise<Changed>
  /**
   * Writes the same password anew, hashed or sealed in another way. Does nothing when it was changed in between.
   * @returns whether it was written
   */
  replaceVerifier(before: Verifier, passwordSealed: string): Promise<boolean>
  /**
   * Verifiers in the order of their accounts' ids, for re-sealing.
   * @param after the last id of the batch before, or ''
   */
  verifiers(after: string, limit: number): Promise<Verifier[]>
}

/** What a change left behind, and which sessions it ended: the caller announces those. */
export interface Changed {
  account: AccountRow
  ended: EndedSession[]
}

export function accountQueries(db: Database): AccountStore {
  const byId = db.sql
    .select()
    .from(accounts)
    .where(eq(accounts.id, sql.placeholder('id')))
    .prepare()
  const byEmail = db.sql
    .select()
    .from(accounts)
    .where(eq(accounts.emailKey, sql.placeholder('emailKey')))
    .prepare()

  function mustFind(id: string): AccountRow {
    const row = byId.get({ id })
    if (row === undefined) throw new Problem('not_found')
    return row
  }

  function applyDisabled(row: AccountRow, disabled: boolean, origin: Origin): Changed {
    if ((row.disabledAt !== null) === disabled) return { account: row, ended: [] }
    if (disabled) refuseLastAdmin(db, row)
    const disabledAt = disabled ? origin.at : null
    db.sql.update(accounts).set({ disabledAt }).where(eq(accounts.id, row.id)).run()
    recordEvent(db, disabled ? 'account_disabled' : 'account_enabled', row.id, origin)
    voidCodes(db, row.id, origin)
    return { account: { ...row, disabledAt }, ended: disabled ? endAll(db, row.id, 'disabled', origin) : [] }
  }

  return {
    find: id => db.read(() => byId.get({ id }) ?? null),
    findByEmail: emailKey => db.read(() => byEmail.get({ emailKey }) ?? null),
    page: (now, after, limit) =>
      db.read(() => withSessions(db, now, after === null ? undefined : isAfter(after), limit)),
    summary: (id, now) => db.read(() => withSessions(db, now, eq(accounts.id, id), 1)[0] ?? null),
    count: () => db.read(() => db.sql.select({ n: count() }).from(accounts).get()?.n ?? 0),
    anybody: () => db.read(() => anybody(db)),
    create: (row, origin) =>
      db.write(() => insertAccount(db, anybody(db) ? row : { ...row, roles: ['admin', 'user'] }, origin)),
    register: (row, origin) => db.write(() => registerAccount(db, row, origin)),

    changeName: (id, name, origin) =>
      db.write(() => {
        const row = mustFind(id)
        if (row.name === name) return row
        db.sql.update(accounts).set({ name }).where(eq(accounts.id, id)).run()
        recordEvent(db, 'name_changed', id, origin)
        return { ...row, name }
      }),

    change: (id, { roles, disabled }, maker, origin) =>
      db.write(() => {
        requireAdministrator(db, maker)
        const row = mustFind(id)
        // Enabling comes first and disabling last: the last-administrator rule then sees what is to be.
        const enabled = disabled === false ? applyDisabled(row, false, origin).account : row
        const changed = roles === null ? enabled : applyRoles(db, enabled, roles, origin)
        return disabled === true ? applyDisabled(changed, true, origin) : { account: changed, ended: [] }
      }),

    changePassword: (id, expected, passwordSealed, origin) =>
      db.write(() => {
        if (mustFind(id).passwordSealed !== expected) throw new Problem('invalid_credentials')
        return writePassword(db, id, passwordSealed, 'password_changed', origin)
      }),
    setPassword: (id, passwordSealed, origin) =>
      db.write(() => {
        mustFind(id)
        return writePassword(db, id, passwordSealed, 'password_reset', origin)
      }),

    replaceVerifier: (before, passwordSealed) =>
      db.write(
        () =>
          db.sql
            .update(accounts)
            .set({ passwordSealed })
            .where(and(eq(accounts.id, before.id), eq(accounts.passwordSealed, before.passwordSealed)))
            .run().changes === 1,
      ),
    verifiers: (after, limit) =>
      db.read(() =>
        db.sql
          .select({ id: accounts.id, passwordSealed: sql<string>`${accounts.passwordSealed}` })
          .from(accounts)
          .where(and(gt(accounts.id, after), isNotNull(accounts.passwordSealed)))
          .orderBy(asc(accounts.id))
          .limit(limit)
          .all(),
      ),
  }
}

/** Whether any account exists, disabled ones too. Synchronous: set-up decides on it inside its transaction. */
export function anybody(db: Database): boolean {
  return db.sql.select({ id: accounts.id }).from(accounts).limit(1).get() !== undefined
}

/**
 * Inserts the account of somebody who registers. Synchronous. @throws Problem `registration_closed` before set-up,
 * `email_taken`
 */
export function registerAccount(db: Database, row: AccountRow, origin: Origin): AccountRow {
  if (!anybody(db)) throw new Problem('registration_closed')
  return insertAccount(db, row, origin)
}

/**
 * Synchronous.
 * @throws Problem `last_admin`
 */
export function applyRoles(db: Database, row: AccountRow, roles: Role[], origin: Origin): AccountRow {
  if (sameRoles(row.roles, roles)) return row
  if (!roles.includes('admin')) refuseLastAdmin(db, row)
  db.sql.update(accounts).set({ roles }).where(eq(accounts.id, row.id)).run()
  recordEvent(db, 'roles_changed', row.id, origin)
  voidCodes(db, row.id, origin)
  return { ...row, roles }
}

/**
 * Inserts an account and its log row. Synchronous.
 * @throws Problem `email_taken`, which rolls the transaction back
 */
export function insertAccount(db: Database, row: AccountRow, origin: Origin): AccountRow {
  try {
    db.sql.insert(accounts).values(row).run()
  } catch (error) {
    if (
      isConstraint(error) &&
      row.emailKey !== null &&
      db.sql.select({ id: accounts.id }).from(accounts).where(eq(accounts.emailKey, row.emailKey)).get() !== undefined
    ) {
      throw new Problem('email_taken', {}, error)
    }
    throw error
  }
  recordEvent(db, 'account_created', row.id, origin)
  return row
}

/**
 * Sets a password, ends every session, voids every open code of the account and by it, and forgets the failed attempts
 * at the old one. Synchronous.
 */
export function writePassword(
  db: Database,
  id: string,
  passwordSealed: string,
  kind: 'password_changed' | 'password_reset',
  origin: Origin,
): Changed {
  const [account] = db.sql
    .update(accounts)
    .set({ passwordSealed, passwordChangedAt: origin.at })
    .where(eq(accounts.id, id))
    .returning()
    .all()
  if (account === undefined) throw new Problem('not_found')
  recordEvent(db, kind, id, origin)
  voidCodes(db, id, origin)
  clearLocks(db, account)
  return { account, ended: endAll(db, id, 'password_changed', origin) }
}

function endAll(db: Database, userId: string, reason: EndReason, origin: Origin): EndedSession[] {
  return endSessionsOf(db, { userId, except: null, reason, at: origin.at, byUserId: origin.byUserId })
}

/** Nobody may be left without an administrator who can sign in: they could only be made again from the command line. */
function refuseLastAdmin(db: Database, row: AccountRow): void {
  if (!row.roles.includes('admin') || row.disabledAt !== null) return
  const other = db.sql
    .select({ id: accounts.id })
    .from(accounts)
    .where(
      and(
        ne(accounts.id, row.id),
        isNull(accounts.disabledAt),
        sql`exists (select 1 from json_each(${accounts.roles}) where value = 'admin')`,
      ),
    )
    .limit(1)
    .get()
  if (other === undefined) throw new Problem('last_admin')
}

const isAfter = (id: string) => sql`(created_at, rowid) > (select created_at, rowid from accounts where id = ${id})`

/** Sessions are counted for those on the page, not for everybody. */
function withSessions(db: Database, now: UnixMs, which: SQL | undefined, limit: number): AccountWithSessions[] {
  const rows = db.sql
    .select()
    .from(accounts)
    .where(which)
    .orderBy(asc(accounts.createdAt), sql`rowid`)
    .limit(limit)
    .all()
  const living = sql`case when ${sessions.endedAt} is null and ${sessions.accessMs} is null and ${sessions.absoluteEndsAt} > ${now} and ${sessions.lastSeenAt} + ${sessions.idleMs} > ${now} then 1 end`
  const seen = db.sql
    .select({ userId: sessions.userId, sessions: count(living), lastSeenAt: max(sessions.lastSeenAt) })
    .from(sessions)
    .where(
      inArray(
        sessions.userId,
        rows.map(row => row.id),
      ),
    )
    .groupBy(sessions.userId)
    .all()
  const byUser = new Map(seen.map(one => [one.userId, one]))
  return rows.map(row => ({
    ...row,
    sessions: byUser.get(row.id)?.sessions ?? 0,
    lastSeenAt: byUser.get(row.id)?.lastSeenAt ?? null,
  }))
}

function sameRoles(a: readonly Role[], b: readonly Role[]): boolean {
  return a.length === b.length && a.every(role => b.includes(role))
}
