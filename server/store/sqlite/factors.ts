import { DAY, type UnixMs } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { Problem } from '../../base/problem.ts'
import type { EventKind } from '../../contract/wire.ts'
import type { FactorStore, Factors } from '../factor-types.ts'
import type { AccountRecord, Origin } from '../account-types.ts'
import { type Database, isConstraint } from './database.ts'
import { and, asc, count, eq, gt, gte, isNotNull, isNull, lt } from './drizzle.ts'
import { recordEvent } from './events.ts'
import { accounts, codes, events, passkeys, recoveryCodes, type TotpRow, totps, userHandles } from './schema.ts'
import { clearFactorLocks } from './throttles.ts'
import { requireAdministrator, requireLiving, voidCodes } from './voiding.ts'

/** More than anybody has devices; bounds what one account can store. */
const PASSKEYS_MAX = 25
/** With so few recovery codes left, their owner is told to make new ones. */
const FEW_CODES = 3
/** Bytes of a user handle (WebAuthn L3 §14.6.1 asks for 64 at most, and random ones). */
const HANDLE_BYTES = 32

type ChangeKind = Extract<
  EventKind,
  'totp_added' | 'totp_removed' | 'passkey_added' | 'passkey_removed' | 'recovery_codes_made' | 'factors_reset'
>

export function factorQueries(db: Database): FactorStore {
  return {
    of: userId => db.read(() => factorsOf(db, userId)),

    pendingTotp: userId => db.read(() => totpOf(db, userId, 'pending')),
    beginTotp: (totp, origin) =>
      db.write(() => {
        mustBeActive(db, totp.userId, origin)
        removeTotpOf(db, totp.userId, 'pending')
        db.sql.insert(totps).values(totp).run()
      }),
    confirmTotp: (id, userId, step, origin) =>
      db.write(() =>
        changed(db, userId, 'totp_added', origin, () => {
          if (totpOf(db, userId, 'pending')?.id !== id) throw new Problem('not_found')
          removeTotpOf(db, userId, 'confirmed')
          db.sql.update(totps).set({ confirmedAt: origin.at, lastStep: step }).where(eq(totps.id, id)).run()
        }),
      ),
    useTotpStep: (id, step) =>
      db.write(
        () =>
          db.sql
            .update(totps)
            .set({ lastStep: step })
            .where(and(eq(totps.id, id), isNotNull(totps.confirmedAt), lt(totps.lastStep, step)))
            .run().changes === 1,
      ),
    removeTotp: (userId, origin) =>
      db.write(() =>
        changed(db, userId, 'totp_removed', origin, () => {
          removeTotpOf(db, userId, 'pending')
          if (removeTotpOf(db, userId, 'confirmed') === 0) throw new Problem('not_found')
        }),
      ),
    sealedTotps: (after, limit) =>
      db.read(() =>
        db.sql
          .select({ id: totps.id, sealed: totps.sealed })
          .from(totps)
          .where(gt(totps.id, after))
          .orderBy(asc(totps.id))
          .limit(limit)
          .all(),
      ),
    replaceTotpSealed: (before, sealed) =>
      db.write(
        () =>
          db.sql
            .update(totps)
            .set({ sealed })
            .where(and(eq(totps.id, before.id), eq(totps.sealed, before.sealed)))
            .run().changes === 1,
      ),

    recoveryCodes: userId =>
      db.read(() => db.sql.select().from(recoveryCodes).where(eq(recoveryCodes.userId, userId)).all()),
    replaceRecoveryCodes: (userId, codeHashes, origin) =>
      db.write(() =>
        changed(db, userId, 'recovery_codes_made', origin, () => {
          if (!hasSecondFactor(db, userId)) throw new Problem('second_factor_required')
          db.sql.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)).run()
          for (const codeHash of codeHashes)
            db.sql.insert(recoveryCodes).values({ userId, codeHash, createdAt: origin.at }).run()
        }),
      ),
    useRecoveryCode: (userId, codeHash, origin) =>
      db.write(() => {
        const { changes } = db.sql
          .update(recoveryCodes)
          .set({ usedAt: origin.at })
          .where(
            and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.codeHash, codeHash), isNull(recoveryCodes.usedAt)),
          )
          .run()
        if (changes === 0) return null
        const left = codesLeft(db, userId)
        recordEvent(db, 'recovery_code_used', userId, origin, left > FEW_CODES ? 'recovery_code_used' : LOW)
        // Its owner is back: what others guessed at the authenticator's codes is over.
        clearFactorLocks(db, userId)
        return left
      }),

    userHandle: userId =>
      db.write(() => {
        const find = () => db.sql.select().from(userHandles).where(eq(userHandles.userId, userId)).get()
        const known = find()
        if (known !== undefined) return known.handle
        const handle = randomId(HANDLE_BYTES)
        db.sql.insert(userHandles).values({ userId, handle }).run()
        return handle
      }),
    findUserHandle: userId =>
      db.read(() => db.sql.select().from(userHandles).where(eq(userHandles.userId, userId)).get()?.handle ?? null),
    findByUserHandle: handle =>
      db.read(
        () =>
          db.sql
            .select({ account: accounts })
            .from(userHandles)
            .innerJoin(accounts, eq(accounts.id, userHandles.userId))
            .where(eq(userHandles.handle, handle))
            .get()?.account ?? null,
      ),
    findPasskey: credentialId =>
      db.read(
        () =>
          db.sql
            .select({ passkey: passkeys, account: accounts })
            .from(passkeys)
            .innerJoin(accounts, eq(accounts.id, passkeys.userId))
            .where(eq(passkeys.credentialId, credentialId))
            .get() ?? null,
      ),
    addPasskey: (passkey, origin) =>
      db.write(() =>
        changed(db, passkey.userId, 'passkey_added', origin, () => {
          if (passkeysOf(db, passkey.userId).length >= PASSKEYS_MAX)
            throw new Problem('limit_reached', { detail: `An account has at most ${PASSKEYS_MAX} passkeys.` })
          try {
            db.sql.insert(passkeys).values(passkey).run()
          } catch (error) {
            throw isConstraint(error) ? new Problem('passkey_registered', {}, error) : error
          }
        }),
      ),
    renamePasskey: (id, userId, name) =>
      db.write(() => {
        const [renamed] = db.sql
          .update(passkeys)
          .set({ name })
          .where(and(eq(passkeys.id, id), eq(passkeys.userId, userId)))
          .returning()
          .all()
        if (renamed === undefined) throw new Problem('not_found')
        return renamed
      }),
    usedPasskey: (id, { counter, counterWentBack, refused, backedUp }, origin) =>
      db.write(() => {
        const change = refused ? {} : { counter, backedUp, lastUsedAt: origin.at }
        const [used] = db.sql
          .update(passkeys)
          .set({ id, ...change })
          .where(eq(passkeys.id, id))
          .returning()
          .all()
        if (used === undefined) return false
        if (counterWentBack)
          recordEvent(db, 'passkey_counter_reversed', used.userId, origin, refused ? COPIED : undefined)
        if (!refused) clearFactorLocks(db, used.userId)
        return true
      }),
    removePasskey: (id, userId, origin) =>
      db.write(() =>
        changed(db, userId, 'passkey_removed', origin, () => {
          const { changes } = db.sql
            .delete(passkeys)
            .where(and(eq(passkeys.id, id), eq(passkeys.userId, userId)))
            .run()
          if (changes === 0) throw new Problem('not_found')
        }),
      ),

    failed: (userId, lockedNow, origin) =>
      db.writePatiently(() => {
        recordEvent(db, 'second_factor_failed', userId, origin)
        if (lockedNow) recordEvent(db, 'second_factor_locked', userId, origin)
      }),

    reset: (userId, maker, origin) =>
      db.write(() => {
        requireAdministrator(db, maker)
        if (maker.userId !== null && madeLink(db, userId, origin.at)) throw new Problem('forbidden', { detail: BOTH })
        return changed(
          db,
          userId,
          'factors_reset',
          origin,
          () => {
            db.sql.delete(totps).where(eq(totps.userId, userId)).run()
            db.sql.delete(passkeys).where(eq(passkeys.userId, userId)).run()
          },
          { evenDisabled: true },
        )
      }),
  }
}

/** Whoever hands out a new password and takes the second factor away could sign in as that person. */
export const BOTH =
  'Administrators cannot remove the second factor of a person and make a link for a new password within a day: together they would open the account. Wait, let the person get the link by mail, or use the command line.'
/** How long one keeps the other from happening. */
const BOTH_MS = DAY

/** Whether an administrator has lately made a link for a new password, used or not. */
function madeLink(db: Database, userId: string, at: UnixMs): boolean {
  const made = db.sql
    .select({ id: codes.id })
    .from(codes)
    .where(
      and(
        eq(codes.kind, 'reset'),
        eq(codes.userId, userId),
        isNotNull(codes.byUserId),
        gt(codes.createdAt, at - BOTH_MS),
      ),
    )
    .get()
  return made !== undefined
}

/** Whether an administrator has lately removed the factors of an account. Synchronous. */
export function tookFactors(db: Database, userId: string, at: UnixMs): boolean {
  const taken = db.sql
    .select({ id: events.id })
    .from(events)
    .where(
      and(
        eq(events.userId, userId),
        eq(events.kind, 'factors_reset'),
        isNotNull(events.byUserId),
        gt(events.at, at - BOTH_MS),
      ),
    )
    .get()
  return taken !== undefined
}

const LOW = 'recovery_codes_low'
const COPIED = 'passkey_copied'

/** One change of an account's factors, with everything that follows from it. Synchronous. */
function changed(
  db: Database,
  userId: string,
  kind: ChangeKind,
  origin: Origin,
  work: () => void,
  { evenDisabled = false } = {},
): AccountRecord {
  const before = mustBeActive(db, userId, origin, evenDisabled)
  work()
  const isProtected = hasSecondFactor(db, userId)
  // They only stand in for another factor.
  if (!isProtected) db.sql.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)).run()
  const after = {
    secondFactorAt: isProtected ? (before.secondFactorAt ?? origin.at) : null,
    factorsChangedAt: origin.at,
  }
  db.sql.update(accounts).set(after).where(eq(accounts.id, userId)).run()
  voidCodes(db, userId, origin)
  clearFactorLocks(db, userId)
  recordEvent(db, kind, userId, origin)
  return { ...before, ...after }
}

/**
 * Removes what was added to an account from then on: somebody else had it. Synchronous.
 * @returns the account afterwards
 */
export function removeFactorsSince(db: Database, account: AccountRecord, from: UnixMs, origin: Origin): AccountRecord {
  const { id: userId } = account
  removeTotpOf(db, userId, 'pending')
  const apps = db.sql
    .delete(totps)
    .where(and(eq(totps.userId, userId), gte(totps.confirmedAt, from)))
    .run().changes
  const keys = db.sql
    .delete(passkeys)
    .where(and(eq(passkeys.userId, userId), gte(passkeys.createdAt, from)))
    .run().changes
  const sets = db.sql
    .delete(recoveryCodes)
    .where(and(eq(recoveryCodes.userId, userId), gte(recoveryCodes.createdAt, from)))
    .run().changes
  if (apps + keys + sets === 0) return account
  const isProtected = hasSecondFactor(db, userId)
  if (!isProtected) db.sql.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)).run()
  const after = { secondFactorAt: isProtected ? account.secondFactorAt : null, factorsChangedAt: origin.at }
  db.sql.update(accounts).set(after).where(eq(accounts.id, userId)).run()
  clearFactorLocks(db, userId)
  if (apps > 0) recordEvent(db, 'totp_removed', userId, origin)
  if (keys > 0) recordEvent(db, 'passkey_removed', userId, origin)
  return { ...account, ...after }
}

/** @throws Problem `not_found`, `account_disabled`, or as `requireLiving` does */
function mustBeActive(db: Database, userId: string, origin: Origin, evenDisabled = false): AccountRecord {
  requireLiving(db, origin.sessionId)
  const account = db.sql.select().from(accounts).where(eq(accounts.id, userId)).get()
  if (account === undefined) throw new Problem('not_found')
  if (account.disabledAt !== null && !evenDisabled) throw new Problem('account_disabled')
  return account
}

function factorsOf(db: Database, userId: string): Factors {
  return { totp: totpOf(db, userId, 'confirmed'), passkeys: passkeysOf(db, userId), codesLeft: codesLeft(db, userId) }
}

const which = (userId: string, state: 'confirmed' | 'pending') =>
  and(eq(totps.userId, userId), state === 'confirmed' ? isNotNull(totps.confirmedAt) : isNull(totps.confirmedAt))

function totpOf(db: Database, userId: string, state: 'confirmed' | 'pending'): TotpRow | null {
  return db.sql.select().from(totps).where(which(userId, state)).get() ?? null
}

function removeTotpOf(db: Database, userId: string, state: 'confirmed' | 'pending'): number {
  return db.sql.delete(totps).where(which(userId, state)).run().changes
}

function passkeysOf(db: Database, userId: string) {
  return db.sql
    .select()
    .from(passkeys)
    .where(eq(passkeys.userId, userId))
    .orderBy(asc(passkeys.createdAt), asc(passkeys.id))
    .all()
}

function codesLeft(db: Database, userId: string): number {
  const unused = and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt))
  return db.sql.select({ left: count() }).from(recoveryCodes).where(unused).get()?.left ?? 0
}

function hasSecondFactor(db: Database, userId: string): boolean {
  if (totpOf(db, userId, 'confirmed') !== null) return true
  return db.sql.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.userId, userId)).get() !== undefined
}
