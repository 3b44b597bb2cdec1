import type { UnixMs } from '../../base/clock.ts'
import { FRESH_MS } from '../../base/freshness.ts'
import { Problem } from '../../base/problem.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { and, eq, gt, gte, isNotNull, isNull, ne, or, type SQL, sql } from './drizzle.ts'
import { noteCode, recordEvent } from './events.ts'
import {
  accounts,
  codes,
  type CodeRow,
  identities,
  type IdentityRow,
  type ProviderGrantRow,
  providerGrants,
  sessions,
  type SessionRow,
} from './schema.ts'
import { refuseEnded } from '../session-rules.ts'
import type { Maker, Origin } from '../account-types.ts'

// What was created with authority becomes void when the authority is lost, and is checked again when used. Everything
// here is synchronous, for use inside the `db.write` that removes or uses the authority.

/**
 * @throws Problem `forbidden` if the creator is no longer an administrator, `not_signed_in` if their session has ended
 */
export function requireAdministrator(db: Database, { userId, sessionId }: Maker): void {
  if (userId !== null && !isAdministrator(db, userId)) throw new Problem('forbidden').about(userId)
  requireLiving(db, sessionId)
}

export function isAdministrator(db: Database, userId: string): boolean {
  const maker = db.sql
    .select({ roles: accounts.roles, disabledAt: accounts.disabledAt })
    .from(accounts)
    .where(eq(accounts.id, userId))
    .get()
  return maker !== undefined && maker.disabledAt === null && maker.roles.includes('admin')
}

/**
 * @throws Problem for a session that has ended since the request was admitted: `session_replaced` if another replaced
 * it, otherwise `not_signed_in`
 */
export function requireLiving(db: Database, sessionId: string | null): void {
  if (sessionId === null) return
  const session = db.sql
    .select({ endedAt: sessions.endedAt, endReason: sessions.endReason })
    .from(sessions)
    .where(eq(sessions.publicId, sessionId))
    .get()
  refuseEnded(session)
}

type WhenAndWho = Pick<Origin, 'at' | 'byUserId' | 'network'>

/**
 * Of an account. What restores an earlier address is no power that the account has lost: a thief could otherwise take it
 * from the owner by changing the password.
 */
const opens = (userId: string) => and(eq(codes.userId, userId), ne(codes.kind, 'email_restore'))

/** Voids every open code for an account, and every one that it has created. */
export function voidCodes(db: Database, userId: string, origin: WhenAndWho): void {
  voidOpen(db, or(opens(userId), eq(codes.byUserId, userId)), origin)
}

/** Voids the open reset links of an account, which a newer one replaces. */
export function voidResets(db: Database, userId: string, origin: WhenAndWho): void {
  voidOpen(db, and(eq(codes.kind, 'reset'), eq(codes.userId, userId)), origin)
}

/** Voids the open links of an account that were mailed to the address that it no longer has. */
export function voidMailed(db: Database, userId: string, origin: WhenAndWho): void {
  voidOpen(db, and(opens(userId), isNotNull(codes.email)), origin)
}

/** Voids the open codes that restore an address of an account, if they were made after that one. */
export function voidRestoresAfter(db: Database, { id, userId }: CodeRow, origin: WhenAndWho): void {
  const theirs = and(eq(codes.kind, 'email_restore'), eq(codes.userId, userId ?? ''))
  // Two of them may have been made in the same millisecond.
  voidOpen(db, and(theirs, sql`rowid > (select rowid from ${codes} where id = ${id})`), origin)
}

/** Removes the identities that were linked to an account from then on. Their sessions are not ended. */
export function unlinkSince(db: Database, userId: string, from: UnixMs, origin: Origin): void {
  unlinkAll(db, userId, and(isNotNull(identities.linkedIn), gte(identities.createdAt, from)), origin)
}

/** Like `voidCodes`, except for what the account created in a session that stays. */
export function voidCodesExceptIn(db: Database, userId: string, sessionId: string, origin: WhenAndWho): void {
  const madeElsewhere = and(eq(codes.byUserId, userId), or(isNull(codes.bySessionId), ne(codes.bySessionId, sessionId)))
  voidOpen(db, or(opens(userId), madeElsewhere), origin)
}

/** Why sessions end, and who ended them. */
interface Why {
  reason: EndReason
  at: UnixMs
  byUserId: string | null
}

/**
 * End reasons that mean someone else may have used the session. Not `disabled`: a disabled account keeps its
 * identities, or a sign-in by one would register a new account.
 */
const DISTRUSTED: ReadonlySet<EndReason> = new Set([
  'refresh_reuse',
  'password_changed',
  'admin',
  'signed_out_elsewhere',
])

/**
 * End reasons that void what the account has created in any session. A provider does not honour the grants of a user
 * who was removed there.
 */
const VOIDS_EVERYTHING: ReadonlySet<EndReason> = new Set(['refresh_reuse', 'provider_revoked'])

/** Of sessions that end, those in which something was created that `voidMadeIn` voids; most have created nothing. */
export function madeSomething(
  db: Database,
  ended: readonly SessionRow[],
  { reason, at }: Pick<Why, 'reason' | 'at'>,
): SessionRow[] {
  if (VOIDS_EVERYTHING.has(reason)) return [...ended]
  if (!DISTRUSTED.has(reason)) return []
  const open = db.sql
    .selectDistinct({ id: codes.bySessionId })
    .from(codes)
    .where(and(isNull(codes.usedAt), gt(codes.endsAt, at), isNotNull(codes.bySessionId)))
    .all()
  const linked = [...new Set(ended.map(row => row.userId))].flatMap(userId =>
    db.sql
      .selectDistinct({ id: identities.linkedIn })
      .from(identities)
      .where(and(eq(identities.userId, userId), isNotNull(identities.linkedIn)))
      .all(),
  )
  const makers = new Set([...open, ...linked].map(({ id }) => id))
  return ended.filter(row => makers.has(row.publicId))
}

/**
 * Voids what was created in a session that ends: its open codes, and the identities linked in it recently, or at any
 * time if a thief is known to have used it.
 * @returns public ids of the sessions opened by those identities, which end too
 */
export function voidMadeIn(db: Database, { publicId, userId }: SessionRow, why: Why): string[] {
  const origin = originOf(why, userId, publicId)
  if (VOIDS_EVERYTHING.has(why.reason)) voidCodes(db, userId, origin)
  if (!DISTRUSTED.has(why.reason)) return []
  voidOpen(db, eq(codes.bySessionId, publicId), origin)
  const isStolen = why.reason === 'refresh_reuse'
  return unlinkAll(db, userId, and(eq(identities.linkedIn, publicId), isStolen ? undefined : lately(why.at)), origin)
}

/**
 * Voids the identities linked to an account recently in any session except one that stays: an ended one may have been a
 * thief's.
 * @returns as `voidMadeIn` does
 */
export function voidLinkedLately(
  db: Database,
  { userId, except, ...why }: Why & { userId: string; except: string | null },
): string[] {
  if (!DISTRUSTED.has(why.reason)) return []
  const elsewhere =
    except === null
      ? isNotNull(identities.linkedIn)
      : and(isNotNull(identities.linkedIn), ne(identities.linkedIn, except))
  return unlinkAll(db, userId, and(elsewhere, lately(why.at)), originOf(why, userId, null))
}

const lately = (at: UnixMs) => gt(identities.createdAt, at - FRESH_MS)

function originOf({ at, byUserId }: Why, userId: string, sessionId: string | null): Origin {
  return { at, byUserId: byUserId === userId ? null : byUserId, sessionId, userAgent: null, network: null }
}

function unlinkAll(db: Database, userId: string, which: SQL | undefined, origin: Origin): string[] {
  const gone = db.sql
    .delete(identities)
    .where(and(eq(identities.userId, userId), which))
    .returning()
    .all()
  for (const _ of gone) recordEvent(db, 'identity_unlinked', userId, origin)
  return gone
    .flatMap(identity => endGrantsOf(db, identity, origin.at))
    .filter(({ origin }) => origin === 'sign_in')
    .map(({ sessionId }) => sessionId)
}

/** Moves what was created in a session to its successor, so that it becomes void with that one. */
export function moveMade(
  db: Database,
  from: string,
  { publicId, userId }: Pick<SessionRow, 'publicId' | 'userId'>,
): void {
  db.sql
    .update(codes)
    .set({ bySessionId: publicId })
    .where(and(eq(codes.byUserId, userId), eq(codes.bySessionId, from)))
    .run()
  db.sql
    .update(identities)
    .set({ linkedIn: publicId })
    .where(and(eq(identities.userId, userId), eq(identities.linkedIn, from)))
    .run()
}

type EndedGrant = Pick<ProviderGrantRow, 'sessionId' | 'origin'>

/**
 * Ends what a provider granted by an identity that is removed.
 * @returns what it was
 */
export function endGrantsOf(db: Database, { userId, issuer, subject }: IdentityRow, at: UnixMs): EndedGrant[] {
  const granted = and(eq(providerGrants.issuer, issuer), eq(providerGrants.subject, subject))
  return db.sql
    .update(providerGrants)
    .set({ endedAt: at })
    .where(and(eq(providerGrants.userId, userId), granted, isNull(providerGrants.endedAt)))
    .returning({ sessionId: providerGrants.sessionId, origin: providerGrants.origin })
    .all()
}

function voidOpen(db: Database, which: SQL | undefined, origin: WhenAndWho): void {
  const voided: CodeRow[] = db.sql
    .update(codes)
    .set({ usedAt: origin.at })
    .where(and(which, isNull(codes.usedAt), gt(codes.endsAt, origin.at)))
    .returning()
    .all()
  for (const code of voided) noteCode(db, 'code_revoked', code, origin)
}
