import { Problem } from '../../base/problem.ts'
import type { UnixMs } from '../../base/clock.ts'
import type { Role } from '../../contract/wire.ts'
import { applyRoles, insertAccount, registerAccount } from './account-queries.ts'
import { useInvite } from './codes.ts'
import { type Database, isConstraint } from './database.ts'
import { and, eq, sql } from './drizzle.ts'
import { type Origin, recordEvent } from './events.ts'
import { linkGrant } from './provider-grants.ts'
import {
  accounts,
  type AccountRow,
  identities,
  type IdentityRow,
  type ProviderGrantRow,
  providerGrants,
} from './schema.ts'
import { endWhatCameBy, type Unlinked } from './unlinking.ts'
import { requireLiving, voidCodes } from './voiding.ts'

/**
 * What a provider said at a sign-in: kept to show, never to look up by. `provider`: what the configuration calls it
 * now.
 */
export interface Seen {
  provider: string
  email: string | null
  emailVerified: boolean
  label: string
  at: UnixMs
}

/** `kept`: the account would have lost the last administrator's role. */
export interface Decided {
  account: AccountRow
  kept: boolean
}

/** Ways in of one account. */
const LINKS_MAX = 20

export interface IdentityStore {
  /** Of this subject at this issuer, with the account. */
  find(issuer: string, subject: string): Promise<{ identity: IdentityRow; account: AccountRow } | null>
  /** Oldest first. */
  list(userId: string): Promise<IdentityRow[]>
  /**
   * A sign-in by it. Roles that a mapping decides are applied, except that the last administrator stays one.
   * @param roles null: none are decided
   * @returns null when it is gone meanwhile; `kept`: the account would have lost the last administrator's role
   */
  used(id: string, seen: Seen, roles: Role[] | null, origin: Origin): Promise<Decided | null>
  /**
   * A provider says other roles of its person and nobody comes in by that: the same rules, and nothing is shown anew.
   * @param roles none: the mapping does not let them in any more
   * @returns null when it is linked with that account no more
   */
  decideRoles(
    of: { issuer: string; subject: string; userId: string },
    roles: Role[],
    origin: Origin,
  ): Promise<Decided | null>
  /** Makes an account with this identity as its way in, by an invitation or by open registration.
   * @param invite the code's hash; roles are then the invitation's, unless `rolesDecided`: a mapping has set them.
   * One that is bound to an
   * address asks for an account that has it
   * `mayBeFirst`: also before set-up
   * @throws Problem `registration_closed` before set-up, `invalid_code`, `email_taken`, `identity_taken`: nothing
   * was made */
  create(
    row: AccountRow,
    identity: IdentityRow,
    how: { invite: string | null; rolesDecided: boolean; mayBeFirst: boolean },
    origin: Origin,
  ): Promise<AccountRow>
  /** Links it with an account, and keeps what it granted to the session that asked, if any: both or neither.
   * @returns whether the grant was kept: a session that came by another account of that provider goes on with what
   * it has
   * @throws Problem `identity_taken` when it is another's; `limit_reached`, `not_found`, `account_disabled`,
   * `not_signed_in` */
  link(identity: IdentityRow, grant: ProviderGrantRow | null, origin: Origin): Promise<boolean>
  /**
   * Takes a way in away, and ends the other sessions that came by it.
   * @param providers those that are configured: an identity of any other is no way in
   * @param passwords whether a password of ours opens anything
   * @param keep the session that asks
   * @throws Problem `not_found`; `last_way_in` when nobody could come in any more
   */
  unlink(
    id: string,
    of: { userId: string; keep: string; providers: readonly string[]; passwords: boolean },
    origin: Origin,
  ): Promise<Unlinked>
  /**
   * A provider has another name now: identities follow it with all that was granted through them.
   * @returns how many did; `kept`: how many did not, since their subject has an identity at the new name already
   */
  moveIssuer(from: string, to: string): Promise<{ moved: number; kept: number }>
}

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

  /** Whom the mapping lets in as nothing keeps no power here either, nor what was made with it. */
  function decided(row: AccountRow, roles: Role[], origin: Origin): Decided {
    if (roles.length === 0) voidCodes(db, row.id, origin)
    try {
      return { account: applyRoles(db, row, roles.length === 0 ? ['user'] : roles, origin), kept: false }
    } catch (error) {
      if (error instanceof Problem && error.code === 'last_admin') return { account: row, kept: true }
      throw error
    }
  }

  /** The same subject may come in two tabs at once: the second one finds it taken. */
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
    // Sorted here: for the few rows that somebody has, SQLite's sorter costs several times the look-up.
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
        if (row === undefined) return null
        return roles === null ? { account: row, kept: false } : decided(row, roles, origin)
      }),

    decideRoles: ({ issuer, subject, userId }, roles, origin) =>
      db.write(() => {
        const found = bySubject.get({ issuer, subject })
        return found === undefined || found.account.id !== userId ? null : decided(found.account, roles, origin)
      }),

    create: (row, identity, { invite, rolesDecided, mayBeFirst }, origin) =>
      db.write(() => {
        const register = mayBeFirst ? insertAccount : registerAccount
        const made =
          invite === null ? register(db, row, origin) : useInvite(db, invite, row, origin, { keepRoles: rolesDecided })
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
        return grant !== null && linkGrant(db, grant)
      }),

    unlink: (id, { userId, keep, providers, passwords }, origin) =>
      db.write(() => {
        requireLiving(db, origin.sessionId)
        const all = ofUser.all({ userId })
        const gone = all.find(one => one.id === id)
        if (gone === undefined) throw new Problem('not_found')
        const row = account(userId)
        // A password is a way in only together with an address to type.
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
