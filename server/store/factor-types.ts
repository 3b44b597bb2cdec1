import type { UnixMs } from '../base/clock.ts'
import type { AccountRecord, Maker, Origin } from './account-types.ts'

/** Authenticator apps, recovery codes and passkeys. */

export interface TotpRecord {
  id: string
  userId: string
  /** The shared secret as JSON, sealed under the `at-rest` purpose with the record's id. */
  sealed: string
  /** The newest time step (RFC 6238 §4.2) whose code was used: neither it nor an earlier one is accepted again. */
  lastStep: number
  createdAt: UnixMs
  /** null: it is being set up, and cannot sign in. */
  confirmedAt: UnixMs | null
}

export interface RecoveryCodeRecord {
  userId: string
  /** An argon2id string; all of a set have the same salt. */
  codeHash: string
  createdAt: UnixMs
  usedAt: UnixMs | null
}

export interface PasskeyRecord {
  id: string
  userId: string
  /** base64url. Unique. */
  credentialId: string
  /** A COSE key (RFC 9052 §7). */
  publicKey: Buffer
  /** The signature counter of the last use (WebAuthn L3 §6.1.1); 0 where the authenticator has none. */
  counter: number
  transports: string[]
  /** Whether it stays on one device or is synced (WebAuthn L3 §6.1.3). */
  deviceType: 'singleDevice' | 'multiDevice'
  backedUp: boolean
  aaguid: string
  name: string
  createdAt: UnixMs
  lastUsedAt: UnixMs | null
}

export interface PasskeyUseRecord {
  counter: number
  /** Whether the counter did not grow although there is one: logged, since the passkey may have been copied. */
  counterWentBack: boolean
  /** Whether it was refused for that: then nothing else changes. */
  refused: boolean
  backedUp: boolean
}

/** The factors of one account, besides its password. */
export interface Factors {
  /** The confirmed authenticator app. */
  totp: TotpRecord | null
  /** Oldest first. */
  passkeys: PasskeyRecord[]
  /** Unused recovery codes. */
  codesLeft: number
}

export interface SealedTotp {
  id: string
  sealed: string
}

/**
 * What `changed` functions guarantee: the change voids every open one-time code for the account and by it, is a row of
 * its log and, if mail is configured, a notice; `secondFactorAt` and `factorsChangedAt` of the account follow. Sessions
 * stay. They throw Problem `not_found` for an unknown account, `account_disabled` for a disabled one, and
 * `session_replaced` or `not_signed_in` if the session of `origin` has ended. Recovery codes go with the last factor, and
 * counts of wrong codes start again.
 */
export interface FactorStore {
  of(userId: string): Promise<Factors>

  // ---- Authenticator app (RFC 6238)

  /** The one that is being set up. */
  pendingTotp(userId: string): Promise<TotpRecord | null>
  /**
   * Begins to set one up, in place of an earlier attempt. A confirmed one keeps working until the new one is confirmed.
   * @throws Problem as above; nothing is logged yet
   */
  beginTotp(totp: TotpRecord, origin: Origin): Promise<void>
  /**
   * `changed`: the new one takes the place of the old one, and the code of `step` is used.
   * @throws Problem `not_found` if it is no longer the one that is being set up
   */
  confirmTotp(id: string, userId: string, step: number, origin: Origin): Promise<AccountRecord>
  /**
   * Uses the code of a time step: only one of several concurrent calls succeeds.
   * @returns false if it or a later one was used, or the authenticator was removed
   */
  useTotpStep(id: string, step: number): Promise<boolean>
  /** `changed`. @throws Problem `not_found` if there is none */
  removeTotp(userId: string, origin: Origin): Promise<AccountRecord>
  /**
   * Secrets in the order of their ids, for resealing.
   * @param after the last id of the batch before, or ''
   */
  sealedTotps(after: string, limit: number): Promise<SealedTotp[]>
  /** @returns false if it was removed or replaced in between */
  replaceTotpSealed(before: SealedTotp, sealed: string): Promise<boolean>

  // ---- Recovery codes

  /** The set of an account, used ones too. */
  recoveryCodes(userId: string): Promise<RecoveryCodeRecord[]>
  /**
   * `changed`: the new set replaces the one before.
   * @throws Problem `second_factor_required` if there is no second factor that they could stand in for
   */
  replaceRecoveryCodes(userId: string, codeHashes: readonly string[], origin: Origin): Promise<AccountRecord>
  /**
   * Uses a code, which is logged and told by mail.
   * @returns how many are left; null if there is no such unused code
   */
  useRecoveryCode(userId: string, codeHash: string, origin: Origin): Promise<number | null>

  // ---- Passkeys (WebAuthn)

  /** The random handle by which authenticators know the account: 32 bytes, base64url. Made the first time. */
  userHandle(userId: string): Promise<string>
  /** The same, without making one. @returns null: there is none, since there never was a passkey */
  findUserHandle(userId: string): Promise<string | null>
  /** The account that a handle belongs to. */
  findByUserHandle(handle: string): Promise<AccountRecord | null>
  findPasskey(credentialId: string): Promise<{ passkey: PasskeyRecord; account: AccountRecord } | null>
  /**
   * `changed`.
   * @throws Problem `passkey_registered` if the credential is known; `limit_reached`
   */
  addPasskey(passkey: PasskeyRecord, origin: Origin): Promise<AccountRecord>
  /** Not a change of a factor. @throws Problem `not_found` */
  renamePasskey(id: string, userId: string, name: string): Promise<PasskeyRecord>
  /**
   * Records a use, or that one was refused because the counter went back, of which the owner is told.
   * @returns false if it was removed in the meantime
   */
  usedPasskey(id: string, use: PasskeyUseRecord, origin: Origin): Promise<boolean>
  /** `changed`. @throws Problem `not_found` */
  removePasskey(id: string, userId: string, origin: Origin): Promise<AccountRecord>

  // ---- All of them

  /**
   * Records a wrong code after a right password; the attempt itself was counted when it was reserved.
   * @param lockedNow whether this failure was the one that locks the codes
   */
  failed(userId: string, lockedNow: boolean, origin: Origin): Promise<void>

  /**
   * `changed`: removes every factor and recovery code, for a person who has lost them.
   * @throws Problem `forbidden`, `not_signed_in` if the maker has lost that authority in the meantime
   */
  reset(userId: string, maker: Maker, origin: Origin): Promise<AccountRecord>
}
