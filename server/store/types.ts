import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Language } from '../contract/languages.ts'
import type { EventKind, Role } from '../contract/wire.ts'
import type { AccountRecord, Maker, Origin } from './account-types.ts'
import type { FactorStore } from './factor-types.ts'
import type { MailStore, NewMail } from './mail-types.ts'

/**
 * What is stored, and what callers may expect of a store. `sqlite/` and `memory/` implement these interfaces;
 * `contract.testing.ts` is the suite that every implementation passes. Users of a store only know this file.
 *
 * Guarantees of every function:
 * - One function is one transaction: it happens completely or not at all, including its rows of the security log. Lines
 *   for the operator's log are written once it is durable.
 * - What a function wrote is durable, as far as that store is, when its promise resolves.
 * - Writes happen in call order, each sees the earlier ones, and their promises settle in that order. A write that
 *   fails only undoes its own changes.
 * - A read sees every write whose promise has resolved. Records that it returns belong to the caller.
 * - A `decide` callback gets the records as they are inside the transaction. A store may retry it, so it is synchronous
 *   and changes nothing outside: its result is what it returns. If it throws, nothing is written and the error is
 *   passed on.
 * - Each function may reject with Problem `store_unavailable`: nothing was written. Other problems are listed there.
 */

// ---- Records. Times are unix milliseconds.

export interface SessionRecord {
  /** SHA-256 of the sid, base64url. The sid itself is only in the browser. */
  sidHash: string
  /** The id that lists, logs and upstream tokens contain. Unique. */
  publicId: string
  /** 32 random bytes that are part of the refresh token's tag. */
  secret: Buffer
  userId: string
  createdAt: UnixMs
  authTime: UnixMs
  amr: string[]
  remember: boolean
  idleMs: number
  /** The root key that this session's tags are made with, for its whole lifetime. */
  tagKeyId: string
  /** For device-bound sessions: a JWK thumbprint. */
  boundKey: string | null
  generation: number
  proven: number
  provenAt: UnixMs
  rotatedAt: UnixMs
  lastSeenAt: UnixMs
  absoluteEndsAt: UnixMs
  endedAt: UnixMs | null
  endReason: EndReason | null
  userAgent: string
  network: string
}

/** One row of the security log. The newest 200 of each kind are kept per account. */
export interface EventRecord {
  /** Increases with each row. */
  id: number
  at: UnixMs
  kind: EventKind
  userId: string
  /** The other account that did it, if any. */
  byUserId: string | null
  sessionId: string | null
  reason: EndReason | null
  userAgent: string | null
  network: string | null
}

/** A one-time code: setup, invitation, password reset; confirmation of an address, and restoring an earlier one. */
export interface CodeRecord {
  id: string
  codeHash: string
  kind: 'setup' | 'invite' | 'reset' | 'email' | 'email_restore'
  /** reset: whose password. email, email_restore: whose address. */
  userId: string | null
  /**
   * In the form that is compared. invite: the only address that may use it, or null. reset: the address that it was
   * mailed to, or null. email: the address to confirm. email_restore: the address to restore, which nobody else can take
   * until then.
   */
  email: string | null
  /** Where it was mailed, as typed: whoever uses it has that address. null: it was handed over. */
  address: string | null
  roles: Role[]
  /** The account that created it, and the public id of its session; null: the command line, or the server itself. */
  byUserId: string | null
  bySessionId: string | null
  createdAt: UnixMs
  endsAt: UnixMs
  /** When it was used or voided. */
  usedAt: UnixMs | null
}

/** Failed attempts under one key. */
export interface ThrottleRecord {
  key: string
  failures: number
  lastFailureAt: UnixMs
  /** No attempt is judged before this time. */
  nextAt: UnixMs
}

/** A linked identity that signs its user in here, keyed by issuer and subject (OIDC Core §5.7). */
export interface IdentityRecord {
  id: string
  userId: string
  /** The id of the provider in the configuration. */
  provider: string
  issuer: string
  subject: string
  /** As last reported by the provider, if it vouches for it; never used for look-ups. */
  email: string | null
  emailVerified: boolean
  /** How a user recognises it: a name or an address. */
  label: string
  /** The public id of the session that linked it; null: made with the account, or linked by the command line. */
  linkedIn: string | null
  createdAt: UnixMs
  lastUsedAt: UnixMs
}

/** What a provider granted to a session that was opened by a sign-in there, or linked with one. */
export interface ProviderGrantRecord {
  id: string
  /** The session's public id. A grant outlives its session until it is revoked at the provider. */
  sessionId: string
  userId: string
  provider: string
  issuer: string
  subject: string
  /** The provider's own session (`sid`, OIDC Back-Channel Logout §2.1). */
  providerSid: string | null
  /** Whether the session depends on it, or only has it. */
  origin: 'sign_in' | 'link'
  /** The tokens as JSON, sealed under the `at-rest` purpose with the record's id; null: none are needed. */
  sealed: string | null
  accessEndsAt: UnixMs | null
  /**
   * Written before a refresh token is sent to the provider, and cleared with its response: if still set after a
   * restart, the token may have been consumed.
   */
  refreshingAt: UnixMs | null
  refreshes: number
  createdAt: UnixMs
  /** The algorithm of the session's ID token, which logout tokens must use, too. null: there is none. */
  idTokenAlg: string | null
  /** When roles and account status are rechecked, whether or not a token is needed; null: never. */
  recheckAt: UnixMs | null
  /** Set once the grant has ended: it waits for revocation and logout at the provider. */
  endedAt: UnixMs | null
}

// ---- Shared

/** Where a walk through a list stopped. Opaque: only the store that created it can read it. */
export type Cursor = string

// ---- Everything

export interface Store {
  readonly sessions: SessionStore
  readonly events: EventStore
  readonly accounts: AccountStore
  readonly codes: CodeStore
  readonly addresses: AddressStore
  readonly mails: MailStore
  readonly factors: FactorStore
  readonly throttles: ThrottleStore
  readonly identities: IdentityStore
  readonly providerGrants: ProviderGrantStore
  readonly singleUses: SingleUseStore
  readonly housekeeping: HousekeepingStore
  readonly keyRecords: KeyRecordStore
  readonly maintenance: MaintenanceStore
  /** Writes what is still waiting, and closes the store. */
  close(): Promise<void>
}

// ---- Sessions

/** A session that has just ended, as other rooms need to know it. */
export interface EndedSession {
  sidHash: string
  publicId: string
  userId: string
  reason: EndReason
  endedAt: UnixMs
}

/** A batch of sessions that one transaction ended; `more`: there may be others. */
export interface EndedBatch {
  ended: EndedSession[]
  more: boolean
}

export interface SessionLimit {
  /** Maximum active sessions per account. */
  max: number
  at: UnixMs
  /** The public id of the session just opened, which stays; null: none. */
  keep: string | null
  /** When a session was last seen according to memory: 0 if unknown. Changes nothing, like `decide`. */
  lastSeenAt: (sidHash: string) => UnixMs
}

export interface NewSession {
  session: SessionRecord
  /** The session that it replaces, by public id, which ends as `replaced`. `onlyLiving`: only if it is still active. */
  replaces: { publicId: string; onlyLiving: boolean } | null
  /** When the password just presented was set; null: none was used. */
  passwordSetAt: UnixMs | null
  /** What a provider granted with this sign-in; null: none. */
  grant: ProviderGrantRecord | null
  /** The account's sessions beyond it end, too; null: no limit. */
  limit: SessionLimit | null
  /** Whether the account has never signed in from this browser before: its owner is told. */
  newDevice: boolean
}

/** What a decision on a session may do to it. */
export type SessionChange =
  /** `generation` g → g+1, with g confirmed by the client. The absolute end stays. */
  | { kind: 'rotate'; at: UnixMs; lastSeenAt: UnixMs }
  | { kind: 'end'; at: UnixMs; reason: EndReason; lastSeenAt: UnixMs }

/** What is in memory and not in the record yet. `proven` is only written if `generation` is still the same. */
export interface SessionProgress {
  sidHash: string
  generation: number
  proven: { at: UnixMs } | null
  lastSeenAt: UnixMs
}

export interface SessionStore {
  find(sidHash: string): Promise<SessionRecord | null>
  findByPublicId(publicId: string): Promise<SessionRecord | null>
  /**
   * Inserts a session and ends the one that it replaces, whose grants, and what was created in it, move to the new one
   * if it belongs to the same account.
   * @throws Problem `account_disabled` or `invalid_credentials` if that changed in the meantime; `session_replaced` or
   * `not_signed_in` if the session to replace has ended; `login_expired` if the identity of the grant is not linked
   */
  insert(opening: NewSession): Promise<EndedBatch>
  /** Ends a batch of an account's sessions beyond the limit: those past their end first, then those idle longest. */
  endExcess(userId: string, limit: SessionLimit): Promise<EndedBatch>
  /**
   * Hands the session to `decide` and does what the `change` in its answer says; null: nothing.
   * @returns the record afterwards, the answer of the `decide` that counted, and every session that ended: this one
   * first, then those that were signed in by an identity that was linked in it. null: there is no such session, and
   * `decide` was not called
   */
  change<D extends { change: SessionChange | null }>(
    sidHash: string,
    decide: (session: SessionRecord) => D,
  ): Promise<{ session: SessionRecord; decided: D; ended: EndedSession[] } | null>
  /**
   * Ends a session, unless it has ended or does not belong to `userId` (null: any account).
   * @param why.from the session that asks for it, if any
   * @returns what ended, as `change` does: empty if nothing did
   * @throws Problem `session_replaced`, `not_signed_in` if `why.from` has ended
   */
  end(
    publicId: string,
    why: { reason: EndReason; at: UnixMs; userId: string | null; byUserId: string | null; from?: string },
  ): Promise<EndedSession[]>
  /**
   * Ends a batch of an account's active sessions.
   * @param why.except the session that asks for it, which stays
   * @throws Problem `session_replaced`, `not_signed_in` if `why.except` has ended; `forbidden` if `why.byUserId` is not
   * an administrator
   */
  endOf(
    userId: string,
    why: { reason: EndReason; at: UnixMs; except: string | null; byUserId: string | null },
  ): Promise<EndedBatch>
  /**
   * A page of an account's active sessions, newest first. One past its idle end is listed until it is judged.
   * @param after `next` of the previous page; null: the first page
   * @throws Problem `invalid_query` for a cursor that is not ours
   */
  page(userId: string, after: Cursor | null, limit: number): Promise<{ sessions: SessionRecord[]; next: Cursor | null }>
  saveProgress(batch: readonly SessionProgress[]): Promise<void>
}

// ---- The security log

/**
 * A row of the security log; `byName`: the name of the other account that did it, null if there is none or it was
 * deleted.
 */
export type NamedEvent = EventRecord & { byName: string | null }

export interface EventStore {
  /**
   * A page of an account's log, newest first.
   * @param before the last id of the previous page; null: the first page
   */
  page(userId: string, before: number | null, limit: number): Promise<NamedEvent[]>
}

// ---- Accounts. Whoever changes one announces the sessions that ended with it.

export type AccountWithSessions = AccountRecord & { sessions: number; lastSeenAt: UnixMs | null }

/** A sealed password verifier and the account it belongs to. */
export interface Verifier {
  id: string
  passwordSealed: string
}

/** An account after a change, and which sessions the change ended. */
export interface Changed {
  account: AccountRecord
  ended: EndedSession[]
}

export interface AccountStore {
  find(id: string): Promise<AccountRecord | null>
  findByEmail(emailKey: string): Promise<AccountRecord | null>
  /**
   * A page of all accounts, oldest first, with the number of active sessions and when one was last seen.
   * @param after the last id of the previous page; null: the first page; an unknown id: an empty page
   */
  page(now: UnixMs, after: string | null, limit: number): Promise<AccountWithSessions[]>
  /** The same for one account. */
  summary(id: string, now: UnixMs): Promise<AccountWithSessions | null>
  count(): Promise<number>
  /** Whether there is any account, including disabled ones. */
  anybody(): Promise<boolean>
  /**
   * Creates an account. The very first one is an administrator, whatever `account` says.
   * @throws Problem `email_taken`
   */
  create(account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * The same for someone who registers.
   * @throws Problem `email_taken`; `registration_closed` before setup
   */
  register(account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Creates a test account, or gives the one with that address the name and roles of `account` and enables it, even if
   * no administrator remains.
   * @param account its id is one of `newTestAccountId`
   * @throws Problem `email_taken` if somebody else's account has the address
   */
  putTestAccount(account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Creates the accounts of people who come from another system, except those whose address has an account already.
   * @param decoy what `importDecoy` returns from now on; null: as before
   * @returns those that were created
   * @throws Problem `last_admin` if there would be accounts, and no administrator who can sign in
   */
  importAll(accounts: readonly AccountRecord[], decoy: string | null, origin: Origin): Promise<AccountRecord[]>
  /** A hash that matches no password and compares as slowly as the slowest imported one; null: none was imported. */
  importDecoy(): Promise<string | null>
  /** The language of the account's mail. Not recorded in the log. */
  setLanguage(id: string, language: Language): Promise<void>
  /** @throws Problem `not_found` */
  changeName(id: string, name: string, origin: Origin): Promise<AccountRecord>
  /**
   * Changes roles, disables and enables. Null fields and values that already apply stay. A change voids every open code
   * for the account and by it; disabling ends every session.
   * @throws Problem `not_found`; `forbidden`, `not_signed_in` if the actor has lost that authority in the meantime;
   * `last_admin` if no administrator would remain
   */
  change(
    id: string,
    change: { roles: Role[] | null; disabled: boolean | null },
    maker: Maker,
    origin: Origin,
  ): Promise<Changed>
  /**
   * Sets a password that its owner chose: every session ends, and the count of failed sign-ins starts again.
   * @param expected the verifier that the current password was checked against
   * @throws Problem `not_found`; `invalid_credentials` when the password was changed in between
   */
  changePassword(id: string, expected: string, passwordSealed: string, origin: Origin): Promise<Changed>
  /**
   * The same without the current password, for the command line.
   * @throws Problem `not_found`
   */
  setPassword(id: string, passwordSealed: string, origin: Origin): Promise<Changed>
  /**
   * Replaces a verifier with one of the same password, hashed or sealed differently.
   * @returns false if the password was changed in between: nothing was written
   */
  replaceVerifier(before: Verifier, passwordSealed: string): Promise<boolean>
  /**
   * Verifiers in the order of their accounts' ids, for re-sealing.
   * @param after the last id of the batch before, or ''
   */
  verifiers(after: string, limit: number): Promise<Verifier[]>
}

// ---- One-time codes. A code stays unused where using it throws.

export type InviteRecord = CodeRecord & { byName: string | null; isRefused: boolean }

export interface CodeStore {
  /**
   * Creates the setup code; any earlier one becomes void.
   * @throws Problem `already_set_up` once there is an account
   */
  createSetup(code: CodeRecord): Promise<void>
  /**
   * @throws Problem `forbidden`, `not_signed_in` if its creator has lost that authority in the meantime;
   * `limit_reached`
   * @param mail brings it; null: it is handed over otherwise
   * @returns whether it is mailed
   */
  createInvite(code: CodeRecord, origin: Origin, mail?: NewMail | null): Promise<boolean>
  /**
   * Creates a reset code for `code.userId`; earlier ones for the same account become void.
   * @throws Problem `not_found`; otherwise as `createInvite`
   */
  createReset(code: CodeRecord & { userId: string }, origin: Origin): Promise<void>
  /**
   * Creates a reset code for the account with that address and mails it there, if there is one that is not disabled. One
   * without a password gets the mail `reset_elsewhere` and no code. Writes as much for an unknown address.
   * @param code its `email` is the address
   */
  mailReset(code: CodeRecord, mail: NewMail, origin: Origin): Promise<void>
  /** A code that could be used now, or null. Only a preliminary check: what counts is decided when it is used. */
  find(kind: CodeRecord['kind'], codeHash: string, now: UnixMs): Promise<CodeRecord | null>
  /**
   * A page of the open invitations, newest first.
   * @param after the last id of the previous page; null: the first page
   */
  invites(now: UnixMs, after: string | null, limit: number): Promise<InviteRecord[]>
  /**
   * @returns whether there was one to revoke
   * @throws Problem `forbidden`, `not_signed_in` if the actor has lost that authority in the meantime
   */
  revokeInvite(id: string, maker: Maker, origin: Origin): Promise<boolean>
  /**
   * Uses the setup code and creates the first account.
   * @throws Problem `already_set_up`, `invalid_code`
   */
  useSetup(codeHash: string, account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Uses an invitation and creates the account, with the invitation's roles.
   * @throws Problem `email_taken`; `invalid_code`, also if it is for another address or its creator may no longer
   * invite
   */
  useInvite(codeHash: string, account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Uses a reset code: sets a new password and ends every session. One that was mailed proves the account's address.
   * @throws Problem `account_disabled`; `invalid_code`, also if its creator is no longer an administrator
   */
  useReset(codeHash: string, passwordSealed: string, origin: Origin): Promise<Changed>
}

// ---- Addresses

/** A code, and the mail that brings it to where it belongs: `address` and language are those that the store finds. */
export interface MailedCode {
  code: CodeRecord
  mail: NewMail
}

/** Confirming an account's address, changing it, and restoring an earlier one. */
export interface AddressStore {
  /** The address that an account has asked for and not confirmed yet; whether the mail with the code was refused. */
  pending(userId: string, now: UnixMs): Promise<(CodeRecord & { isRefused: boolean }) | null>
  /**
   * Mails a code that confirms an address, which may be the account's own; an earlier one becomes void. An address of
   * another account gets the mail `email_in_use` in place of the code: as much is written, and the caller does not learn
   * of it (ASVS 6.3.8).
   * @param asked.code its `userId` is the account, its `email` and `address` the address
   * @throws Problem `not_signed_in`, `session_replaced` if the session has ended; `account_disabled`, `not_found`;
   * `slow_down` if too many mails have gone to that address, or none can be accepted now
   */
  ask(asked: MailedCode, origin: Origin): Promise<void>
  /**
   * Withdraws it.
   * @returns false if there is none
   */
  cancel(userId: string, origin: Origin): Promise<boolean>
  /**
   * Confirms an address. One that is new becomes the account's: open links that were mailed to the one before become
   * void, and that one is told, if it was verified with a code that restores it.
   * @param back that code; only used in this case
   * @throws Problem `invalid_code`, also for the code of another account; `email_taken`, `account_disabled`;
   * `limit_reached` if too many earlier addresses can be restored; `slow_down` if the mail cannot be accepted now;
   * otherwise as `ask`
   */
  confirm(codeHash: string, by: Maker & { userId: string }, back: MailedCode, origin: Origin): Promise<Changed>
  /**
   * Restores an earlier address and ends every session. Whoever had the account in the meantime keeps nothing: codes,
   * identities that were linked since, and the means to restore an address that was set later become void.
   * @param passwordSealed the new password; null: the account has none
   * @param told the mail for the address that loses the account
   * @throws Problem `invalid_code`, `account_disabled`, `email_taken`
   */
  restore(codeHash: string, passwordSealed: string | null, told: NewMail, origin: Origin): Promise<Changed>
}

// ---- Throttles. Their keys are in throttle-keys.ts.

/** The keys that one attempt is counted under. The first two concern the account, the third the network. */
export interface AttemptKeys {
  /** Recent failures: waits grow with them, and they expire over time. */
  recent: string
  /** Consecutive failures, however far apart: at its limit the password is locked (NIST SP 800-63B-4 §3.2.2). */
  lock: string
  network: string
}

export type AttemptCounts = Record<keyof AttemptKeys, ThrottleRecord | null>

export interface ThrottleStore {
  /**
   * Passes the three counts to `decide` and writes those that it returns, except null ones: concurrent attempts are
   * judged one after the other.
   * @returns what `decide` returned
   */
  reserve<D extends { write: AttemptCounts }>(keys: AttemptKeys, decide: (counts: AttemptCounts) => D): Promise<D>
  /** The same for other counts: all of them or none. */
  reserveAll<D extends { writes: readonly ThrottleRecord[] }>(
    keys: readonly string[],
    decide: (counts: readonly (ThrottleRecord | null)[]) => D,
  ): Promise<D>
  /**
   * Records a wrong password; the attempt itself was counted when it was reserved.
   * @param userId '' for an address that no account has: as much is written
   * @param lockedNow whether this failure was the one that locks the password
   */
  failed(userId: string, lockedNow: boolean, origin: Origin): Promise<void>
  /**
   * The password was right, or nothing was judged: counts in `forget` are reset, those in `refund` become what remains
   * without the attempt.
   */
  recordOutcome(what: { forget: readonly string[]; refund: readonly Refund[] }): Promise<void>
}

/**
 * An attempt that did not fail, to be taken off a count. `left`: what the others have earned; null: nothing. It changes
 * nothing, like `decide`.
 */
export interface Refund {
  key: string
  left: (count: ThrottleRecord | null) => ThrottleRecord | null
}

// ---- Identities

/** What a provider reported at a sign-in, stored for display; `provider`: its current id in the configuration. */
export interface Seen {
  provider: string
  email: string | null
  emailVerified: boolean
  label: string
  at: UnixMs
}

/** `kept`: the change would have removed the last administrator. */
export interface Decided {
  account: AccountRecord
  kept: boolean
}

/** `unlinked`: public ids of the sessions that continue without what the provider granted to them. */
export interface Unlinked {
  ended: EndedSession[]
  unlinked: string[]
}

export interface IdentityStore {
  /** The identity of this subject at this issuer, with its account. */
  find(issuer: string, subject: string): Promise<{ identity: IdentityRecord; account: AccountRecord } | null>
  /** Oldest first. */
  list(userId: string): Promise<IdentityRecord[]>
  /**
   * Records a sign-in by it. An address that the provider vouches for counts as verified if it is the account's, here
   * and in `create` and `link`. Roles decided by a mapping are applied, except that the last administrator stays one.
   * @param roles null: none are decided
   * @returns null if it was removed in the meantime
   */
  used(id: string, seen: Seen, roles: Role[] | null, origin: Origin): Promise<Decided | null>
  /**
   * A provider reports changed roles without a sign-in: the same rules.
   * @param roles empty: the mapping no longer admits the user
   * @returns null if the identity is no longer linked to that account
   */
  decideRoles(
    of: { issuer: string; subject: string; userId: string },
    roles: Role[],
    origin: Origin,
  ): Promise<Decided | null>
  /**
   * Creates an account that signs in by this identity, by an invitation or by open registration.
   * @param how.invite the code's hash; an invitation for an address requires an account with it
   * @param how.rolesDecided a mapping has set the roles; otherwise they are the invitation's
   * @param how.mayBeFirst also before setup
   * @throws Problem `registration_closed` before setup, `invalid_code`, `email_taken`, `identity_taken`
   */
  create(
    account: AccountRecord,
    identity: IdentityRecord,
    how: { invite: string | null; rolesDecided: boolean; mayBeFirst: boolean },
    origin: Origin,
  ): Promise<AccountRecord>
  /**
   * Links it to an account, and stores its grant for the session that asked, if any: both or neither.
   * @returns `granted`: whether the grant was stored: a session that signed in by another identity of that provider
   * keeps that one
   * @throws Problem `identity_taken` if it is linked to another account; `limit_reached`, `not_found`,
   * `account_disabled`, `not_signed_in`
   */
  link(
    identity: IdentityRecord,
    grant: ProviderGrantRecord | null,
    origin: Origin,
  ): Promise<{ account: AccountRecord; granted: boolean }>
  /**
   * Removes an identity, and ends the other sessions that signed in by it.
   * @param of.keep the session that asks
   * @param of.providers the configured ones: an identity of any other cannot sign in
   * @param of.passwords whether local passwords can sign in
   * @throws Problem `not_found`; `last_way_in` if the user could no longer sign in
   */
  unlink(
    id: string,
    of: { userId: string; keep: string; providers: readonly string[]; passwords: boolean },
    origin: Origin,
  ): Promise<Unlinked>
  /**
   * Moves identities and their grants to a provider's new name.
   * @returns how many moved; `kept`: how many did not, because their subject already has an identity under the new name
   */
  moveIssuer(from: string, to: string): Promise<{ moved: number; kept: number }>
}

// ---- Provider grants

/** The result of a token call, and when the user is rechecked; null: never. */
export interface NewTokens {
  sealed: string
  accessEndsAt: UnixMs | null
  recheckAt: UnixMs | null
}

export interface SealedGrant {
  id: string
  sealed: string
}

/** A validated logout token. At least one of `sid` and `subject` is not null. */
export interface ProviderLogout {
  issuer: string
  /** The provider's session; null: every session of the subject. */
  sid: string | null
  subject: string | null
  /** All names of the token's algorithm: a session whose ID token was signed differently is not ended. */
  algs: readonly string[]
  /** The token's own id, valid once. */
  use: { key: string; endsAt: UnixMs }
  at: UnixMs
}

export interface EndedAtProvider {
  /** The token was used before: nothing was done. */
  repeated: boolean
  /** What it names exists, but was signed differently: nothing was done. */
  otherAlg: boolean
  ended: EndedSession[]
  /** Sessions that only had a grant of this provider, and continue without it. */
  unlinked: string[]
}

export interface ProviderGrantStore {
  /** Keeps the grant of a sign-in that waits for a second factor. Its `sessionId` is no session's. */
  park(grant: ProviderGrantRecord): Promise<void>
  /** Takes it out again: only one of several concurrent calls gets it. */
  unpark(sessionId: string): Promise<ProviderGrantRecord | null>
  find(id: string): Promise<ProviderGrantRecord | null>
  /** The active grant of a session at one provider. */
  ofSession(sessionId: string, provider: string): Promise<ProviderGrantRecord | null>
  /** Every grant of a session, active or ended. */
  allOfSession(sessionId: string): Promise<ProviderGrantRecord[]>
  /**
   * Records that a refresh token is about to be sent. An older intent stays, since it means an older doubt.
   * @param refreshes as known to the caller: it differs once the grant was refreshed by another call
   * @returns false if the grant has ended or was refreshed in the meantime
   */
  intend(id: string, refreshes: number, at: UnixMs): Promise<boolean>
  /** Withdraws an intent: the token was certainly not consumed. */
  withdraw(id: string, refreshes: number): Promise<void>
  /**
   * Stores new tokens and clears the intent, even in an ended grant, because they have to be revoked.
   * @returns null if the grant was deleted or already has newer ones
   */
  save(id: string, refreshes: number, tokens: NewTokens): Promise<ProviderGrantRecord | null>
  /**
   * Replaces the sealed tokens without counting a refresh, for instance with a new ID token.
   * @returns false if there are newer tokens
   */
  amend(id: string, refreshes: number, change: { sealed: string; idTokenAlg: string | null }): Promise<boolean>
  /**
   * Takes active grants whose user is to be rechecked, the longest overdue first, and postpones each: if the check
   * fails or the process crashes, it is due again then.
   * @param putOffUntil changes nothing, like `decide`
   */
  takeDue(
    now: UnixMs,
    limit: number,
    putOffUntil: (grant: ProviderGrantRecord) => UnixMs,
  ): Promise<ProviderGrantRecord[]>
  /** Stops rechecks: the provider is no longer configured. */
  stopRechecks(id: string): Promise<void>
  /**
   * Ends a grant although its session continues.
   * @returns whether this call ended it
   */
  end(id: string, at: UnixMs): Promise<boolean>
  /** Ends what a logout token names and uses the token, so that one that failed can be sent again. */
  endAtProvider(logout: ProviderLogout): Promise<EndedAtProvider>
  /**
   * Whether another active grant may belong to the same session at the provider, so that revoking one could end the
   * other.
   */
  isShared(grant: Pick<ProviderGrantRecord, 'id' | 'issuer' | 'subject' | 'providerSid'>): Promise<boolean>
  /** Stores what remains of a revoked grant: its tokens for a sign-out at the provider; null: nothing. */
  markRevoked(id: string, sealed: string | null): Promise<void>
  /**
   * A page of the grants that had ended before then, the oldest first.
   * @param after `next` of the previous page; null: the first page
   */
  over(
    before: UnixMs,
    after: Cursor | null,
    limit: number,
  ): Promise<{ grants: ProviderGrantRecord[]; next: Cursor | null }>
  remove(id: string): Promise<void>
  /**
   * Grants in the order of their ids, for resealing.
   * @param after the last id of the previous batch, or ''
   */
  sealedGrants(after: string, limit: number): Promise<SealedGrant[]>
  /** @returns false if the tokens were changed in between */
  replaceSealed(before: SealedGrant, sealed: string): Promise<boolean>
}

// ---- Single uses: transactions of a sign-in, ids of logout tokens

export interface SingleUseStore {
  /**
   * Uses a name: only one of several concurrent calls succeeds. It may be forgotten after `endsAt`.
   * @returns whether it was unused
   */
  use(key: string, endsAt: UnixMs): Promise<boolean>
}

// ---- Housekeeping

/**
 * Deletes what is no longer needed, at most `limit` records per call, so that no write waits for long. Each returns how
 * many were deleted: fewer than `limit` means that it is done.
 */
export interface HousekeepingStore {
  /**
   * Counts the sessions that have not ended among the next `limit`.
   * @param after `next` of the previous call; null: from the first
   */
  countLiving(at: UnixMs, after: Cursor | null, limit: number): Promise<{ living: number; next: Cursor | null }>
  events(before: UnixMs, limit: number): Promise<number>
  /** Sessions that had ended before then, whether or not that was noticed. */
  sessions(before: UnixMs, limit: number): Promise<number>
  /** One-time codes that were used or had expired before then. */
  codes(before: UnixMs, limit: number): Promise<number>
  /** Mails that had ended before then. */
  mails(before: UnixMs, limit: number): Promise<number>
  /** Failed attempts, the last of which was before then; counts that lock a password are kept over a year longer. */
  throttles(before: UnixMs, limit: number): Promise<number>
  /** The oldest of those with few failures, if there are more than `most` in total. */
  surplusThrottles(most: number, limit: number): Promise<number>
  /** Single-use names that had expired before then. */
  singleUses(before: UnixMs, limit: number): Promise<number>
  /**
   * Checks `limit` active grants of providers, and ends those whose session was deleted, so that they are revoked.
   * @param after `next` of the previous call; null: from the first
   * @returns `overdue`: public ids of sessions that are past their end although that was not noticed
   */
  overdueGrants(
    at: UnixMs,
    after: Cursor | null,
    limit: number,
  ): Promise<{ orphaned: number; overdue: string[]; next: Cursor | null }>
}

// ---- What the store remembers of the key file that it is used with

export type KeyKind = 'roots' | 'signing'

export interface KeyCheck {
  id: string
  check: string
}

export interface KeyRecordStore {
  /** Incremented at every start and every hour, and compared with the key file's; 0 before the first. */
  counter(): Promise<number>
  setCounter(counter: number): Promise<void>
  /** Check values of the keys that this store was used with, oldest first; empty: unknown. */
  keyChecks(kind: KeyKind): Promise<KeyCheck[]>
  setKeyChecks(kind: KeyKind, checks: readonly KeyCheck[]): Promise<void>
  /**
   * Checks `limit` sessions for the root keys that active ones' refresh tokens are made with.
   * @param after `next` of the previous call; null: from the first
   */
  tagKeysInUse(now: UnixMs, after: Cursor | null, limit: number): Promise<{ ids: string[]; next: Cursor | null }>
}

// ---- Maintenance: the store as a whole

export interface MaintenanceStore {
  /** Proves that writes still succeed, by making one. */
  touch(at: UnixMs): Promise<void>
  /** Does maintenance that would otherwise delay a request. */
  tidy(): Promise<void>
  /**
   * Checks everything for damage without blocking requests; skips what was checked when it was opened.
   * @returns the damage, for the log; null: none
   * @throws Error if it cannot be read
   */
  findDamage(): Promise<string | null>
  /**
   * Copies the store into a new file while it is in use, and remembers when.
   * @throws the system's or the driver's error
   */
  backup(file: string, at: UnixMs): Promise<void>
  /** When the last backup was written; null: there was none. */
  lastBackupAt(): Promise<UnixMs | null>
  /**
   * Voids every one-time code and recovery code, then ends every session, in batches: after a restore, where used codes would work again,
   * and when keys were compromised.
   * @param announce called with each batch
   * @returns how many sessions ended
   */
  revokeAll(why: { reason: EndReason; at: UnixMs }, announce: (ended: readonly EndedSession[]) => void): Promise<number>
}
