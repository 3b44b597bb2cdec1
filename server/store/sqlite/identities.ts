import type { UnixMs } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { Role } from '../../contract/wire.ts'
import type { Origin } from '../account-types.ts'
import type { Decided, IdentityStore } from '../types.ts'
import { applyRoles, insertAccount, registerAccount } from './account-queries.ts'
import { useInvite } from './codes.ts'
import { type Database, isConstraint } from './database.ts'
import { and, eq, sql } from './drizzle.ts'
import { recordEvent } from './events.ts'
import { linkGrant } from './provider-grants.ts'
import { accounts, type AccountRow, identities, type IdentityRow, providerGrants } from './schema.ts'
import { emailVerifiedAt } from '../verified-address.ts'
import { endWhatCameBy } from './unlinking.ts'
import { requireLiving, voidCodes } from './voiding.ts'

/** Linked identities per account. */
const LINKS_MAX = 20

export function identityQueries(db: Database): IdentityStore {
  const bySubject = db.sql
    .select({ identity: identities, account: accounts })
    .from(identities)
    .innerJoin(accounts, eq(accounts.id, identities.userId))
    .where(and(eq(identities.issuer, sql.placeholder('issuer')), eq(identities.subject, sql.placeholder('subject'))))
    .prepare()
  const ofUser = db.sql
    .select()
    .from(identities)
    .where(eq(identities.userId, sql.placeholder('userId')))
    .prepare()
  const account = (id: string) => db.sql.select().from(accounts).where(eq(accounts.id, id)).get()

  /** A user whom the mapping does not admit keeps no authority here either, nor what was created with it. */
  function decided(row: AccountRow, roles: Role[], origin: Origin): Decided {
    if (roles.length === 0) voidCodes(db, row.id, origin)
    try {
      return { account: applyRoles(db, row, roles.length === 0 ? ['user'] : roles, origin), kept: false }
    } catch (error) {
      if (error instanceof Problem && error.code === 'last_admin') return { account: row, kept: true }
      throw error
    }
  }

  function verified(row: AccountRow, identity: Pick<IdentityRow, 'email' | 'emailVerified'>, at: UnixMs): AccountRow {
    const account = { ...row, emailVerifiedAt: emailVerifiedAt(row, identity, at) }
    if (account.emailVerifiedAt !== row.emailVerifiedAt)
      db.sql.update(accounts).set({ emailVerifiedAt: account.emailVerifiedAt }).where(eq(accounts.id, row.id)).run()
    return account
  }

  /** The same subject may register in two tabs at once: the second one finds it taken. */
  function insert(row: IdentityRow): void {
    try {
      db.sql.insert(identities).values(row).run()
    } catch (error) {
      if (isConstraint(error) && bySubject.get({ issuer: row.issuer, subject: row.subject }) !== undefined)
        throw new Problem('identity_taken', {}, error)
      throw error
    }
  }

  return {
    find: (issuer, subject) => db.read(() => bySubject.get({ issuer, subject }) ?? null),
    // Sorted here: for a few rows, SQLite's sorter costs several times the look-up.
    list: userId =>
      db.read(() => ofUser.all({ userId }).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))),

    used: (id, { at, ...seen }, roles, origin) =>
      db.write(() => {
        const [identity] = db.sql
          .update(identities)
          .set({ ...seen, lastUsedAt: at })
          .where(eq(identities.id, id))
          .returning()
          .all()
        const row = identity === undefined ? undefined : account(identity.userId)
        if (identity === undefined || row === undefined) return null
        const current = verified(row, identity, at)
        return roles === null ? { account: current, kept: false } : decided(current, roles, origin)
      }),

    decideRoles: ({ issuer, subject, userId }, roles, origin) =>
      db.write(() => {
        const found = bySubject.get({ issuer, subject })
        return found === undefined || found.account.id !== userId ? null : decided(found.account, roles, origin)
      }),

    create: (row, identity, { invite, rolesDecided, mayBeFirst }, origin) =>
      db.write(() => {
        const register = mayBeFirst ? insertAccount : registerAccount
        const vouched = { ...row, emailVerifiedAt: emailVerifiedAt(row, identity, origin.at) }
        const made =
          invite === null
            ? register(db, vouched, origin)
            : useInvite(db, invite, vouched, origin, { keepRoles: rolesDecided })
        insert({ ...identity, userId: made.id })
        return made
      }),

    link: (identity, grant, origin) =>
      db.write(() => {
        requireLiving(db, origin.sessionId)
        const row = account(identity.userId)
        if (row === undefined) throw new Problem('not_found')
        if (row.disabledAt !== null) throw new Problem('account_disabled')
        const known = bySubject.get({ issuer: identity.issuer, subject: identity.subject })
        if (known !== undefined && known.identity.userId !== identity.userId) throw new Problem('identity_taken')
        if (known !== undefined) {
          db.sql
            .update(identities)
            .set({ provider: identity.provider })
            .where(eq(identities.id, known.identity.id))
            .run()
        } else {
          if (ofUser.all({ userId: identity.userId }).length >= LINKS_MAX)
            throw new Problem('limit_reached', {
              detail: `${LINKS_MAX} accounts elsewhere are linked already: remove one first.`,
            })
          insert({ ...identity, linkedIn: origin.sessionId })
          recordEvent(db, 'identity_linked', identity.userId, origin)
          voidCodes(db, identity.userId, origin)
        }
        return { account: verified(row, identity, origin.at), granted: grant !== null && linkGrant(db, grant) }
      }),

    unlink: (id, { userId, keep, providers, passwords }, origin) =>
      db.write(() => {
        requireLiving(db, origin.sessionId)
        const all = ofUser.all({ userId })
        const gone = all.find(one => one.id === id)
        if (gone === undefined) throw new Problem('not_found')
        const row = account(userId)
        // A password only counts with an address to sign in with.
        const hasPassword = passwords && row !== undefined && row.passwordSealed !== null && row.emailKey !== null
        if (!hasPassword && !all.some(one => one.id !== id && providers.includes(one.provider)))
          throw new Problem('last_way_in')
        db.sql.delete(identities).where(eq(identities.id, id)).run()
        recordEvent(db, 'identity_unlinked', userId, origin)
        voidCodes(db, userId, origin)
        return endWhatCameBy(db, gone, keep, origin.at)
      }),

    moveIssuer: (from, to) =>
      db.write(() => {
        const isTaken = sql`exists (select 1 from identities taken where taken.issuer = ${to} and taken.subject = identities.subject)`
        const moved = db.sql
          .update(identities)
          .set({ issuer: to })
          .where(and(eq(identities.issuer, from), sql`not ${isTaken}`))
          .run().changes
        const kept =
          db.sql
            .select({ count: sql<number>`count(*)` })
            .from(identities)
            .where(eq(identities.issuer, from))
            .get()?.count ?? 0
        const isKept = sql`exists (select 1 from identities kept where kept.issuer = ${from} and kept.subject = provider_grants.subject
        and kept.user_id = provider_grants.user_id)`
        db.sql
          .update(providerGrants)
          .set({ issuer: to })
          .where(and(eq(providerGrants.issuer, from), sql`not ${isKept}`))
          .run()
        return { moved, kept }
      }),
  }
}
