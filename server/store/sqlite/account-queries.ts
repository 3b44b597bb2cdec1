import { Problem } from '../../base/problem.ts'
import type { UnixMs } from '../../base/clock.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import type { Role } from '../../contract/wire.ts'
import { isTestAccount, TEST_PREFIX } from '../test-account-ids.ts'
import type { Origin } from '../account-types.ts'
import type { AccountStore, AccountWithSessions, Changed, EndedSession } from '../types.ts'
import type { Database } from './database.ts'
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, max, ne, type SQL, sql } from './drizzle.ts'
import { recordEvent } from './events.ts'
import { accounts, type AccountRow, codes, sessions } from './schema.ts'
import { endSessionsOf } from './session-ends.ts'
import { clearLocks } from './throttles.ts'
import { requireAdministrator, voidCodes } from './voiding.ts'

/** In a file of their own. */
export type ImportQueries = Pick<AccountStore, 'importAll' | 'importDecoy'>

export function accountQueries(db: Database): Omit<AccountStore, keyof ImportQueries> {
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

  function applyName(row: AccountRow, name: string, origin: Origin): AccountRow {
    if (row.name === name) return row
    db.sql.update(accounts).set({ name }).where(eq(accounts.id, row.id)).run()
    recordEvent(db, 'name_changed', row.id, origin)
    return { ...row, name }
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

    putTestAccount: (row, origin) =>
      db.write(() => {
        const found = byEmail.get({ emailKey: row.emailKey })
        if (found === undefined) return insertAccount(db, row, origin)
        if (!isTestAccount(found.id)) {
          throw new Problem('email_taken', {
            detail: 'This account was not made by a test sign-in. Use another address, or an empty data folder.',
          })
        }
        const enabled = applyDisabled(found, false, origin).account
        return writeRoles(db, applyName(enabled, row.name, origin), row.roles, origin)
      }),
    setLanguage: (id, language) =>
      db.write(() => void db.sql.update(accounts).set({ language }).where(eq(accounts.id, id)).run()),
    changeName: (id, name, origin) => db.write(() => applyName(mustFind(id), name, origin)),

    change: (id, { roles, disabled }, maker, origin) =>
      db.write(() => {
        requireAdministrator(db, maker)
        const row = mustFind(id)
        // Enabling comes first and disabling last, so that the last-administrator rule sees the final state.
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

/** Whether any account exists, including disabled ones. Synchronous: setup decides on it inside its transaction. */
export function anybody(db: Database): boolean {
  return db.sql.select({ id: accounts.id }).from(accounts).limit(1).get() !== undefined
}

/**
 * Inserts the account of someone who registers. Synchronous.
 * @throws Problem `registration_closed` before setup, `email_taken`
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
  if (!roles.includes('admin')) refuseLastAdmin(db, row)
  return writeRoles(db, row, roles, origin)
}

function writeRoles(db: Database, row: AccountRow, roles: Role[], origin: Origin): AccountRow {
  if (sameRoles(row.roles, roles)) return row
  db.sql.update(accounts).set({ roles }).where(eq(accounts.id, row.id)).run()
  recordEvent(db, 'roles_changed', row.id, origin)
  voidCodes(db, row.id, origin)
  return { ...row, roles }
}

/**
 * Inserts an account and its log row. Synchronous.
 * @throws Problem `email_taken`, which rolls the transaction back
 */
export function insertAccount(
  db: Database,
  row: AccountRow,
  origin: Origin,
  kind: 'account_created' | 'account_imported' = 'account_created',
): AccountRow {
  if (row.emailKey !== null) requireFree(db, row.emailKey, row.id, origin.at)
  db.sql.insert(accounts).values(row).run()
  recordEvent(db, kind, row.id, origin)
  return row
}

/**
 * Whether an address belongs to another account, or to one that may still restore it. Synchronous.
 * @param userId the account that wants it
 */
export function holdsAddress(db: Database, emailKey: string, userId: string, now: UnixMs): boolean {
  const theirs = and(eq(accounts.emailKey, emailKey), ne(accounts.id, userId))
  if (db.sql.select({ id: accounts.id }).from(accounts).where(theirs).get() !== undefined) return true
  // The kind is written out, as in the index.
  const held = and(sql`kind = 'email_restore'`, eq(codes.email, emailKey), ne(codes.userId, userId))
  return (
    db.sql
      .select({ id: codes.id })
      .from(codes)
      .where(and(held, isNull(codes.usedAt), gt(codes.endsAt, now)))
      .get() !== undefined
  )
}

/** @throws Problem `email_taken` */
export function requireFree(db: Database, emailKey: string, userId: string, now: UnixMs): void {
  if (holdsAddress(db, emailKey, userId, now)) throw new Problem('email_taken')
}

/**
 * Sets a password, ends every session, voids every open code for the account or by it, and clears the failed attempts
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

/** There must always be an administrator who can sign in: otherwise only the command line could create one. */
function refuseLastAdmin(db: Database, row: AccountRow): void {
  if (!row.roles.includes('admin') || row.disabledAt !== null) return
  const other = db.sql
    .select({ id: accounts.id })
    .from(accounts)
    .where(
      and(
        ne(accounts.id, row.id),
        // One that tests left behind opens nothing once they are over.
        isTestAccount(row.id) ? undefined : sql`${accounts.id} not like ${`${TEST_PREFIX}%`}`,
        isNull(accounts.disabledAt),
        sql`exists (select 1 from json_each(${accounts.roles}) where value = 'admin')`,
      ),
    )
    .limit(1)
    .get()
  if (other === undefined) throw new Problem('last_admin')
}

const isAfter = (id: string) => sql`(created_at, rowid) > (select created_at, rowid from accounts where id = ${id})`

/** Only counts the sessions of the accounts on the page. */
function withSessions(db: Database, now: UnixMs, which: SQL | undefined, limit: number): AccountWithSessions[] {
  const rows = db.sql
    .select()
    .from(accounts)
    .where(which)
    .orderBy(asc(accounts.createdAt), sql`rowid`)
    .limit(limit)
    .all()
  const living = sql`case when ${sessions.endedAt} is null and ${sessions.absoluteEndsAt} > ${now} and ${sessions.lastSeenAt} + ${sessions.idleMs} > ${now} then 1 end`
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
