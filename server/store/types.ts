import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EventKind, Role } from '../contract/wire.ts'

/**
 * What the product keeps, and what it may expect of whatever keeps it. `sqlite/` and `memory/` implement these
 * interfaces, `contract.testing.ts` is the suite that every implementation passes. Whoever uses a store knows this file
 * only.
 *
 * Promises that hold for every function:
 * - One function is one transaction: it happens whole or not at all, and its rows of the security log are part of it.
 *   Lines about it, for whoever watches the site, are logged once it is durable.
 * - What a function wrote is durable, as far as that store is, when its promise resolves.
 * - Writes happen in the order in which they were called, each sees those before it, and their promises settle in that
 *   order. A write that fails undoes only what it did itself.
 * - A read sees every write whose promise has resolved. Records that it returns are the caller's own.
 * - A `decide` callback is handed records as they are inside the transaction. A store may run it once per attempt and
 *   try again, so it is synchronous and changes nothing outside: what it found out is what it returns. When it throws,
 *   nothing is written and the error is passed on.
 * - Each function may reject with Problem `store_unavailable`: nothing was written. Other problems are named there.
 */

// ---- Records. Times are unix milliseconds.

export interface AccountRecord {
  id: string
  /** null: made by a provider that vouched for no address. Always null together with `emailKey`. */
  email: string | null
  /** The address as it is compared: NFC, lower case. Unique. */
  emailKey: string | null
  name: string
  roles: Role[]
  /** An argon2id string sealed under the `at-rest` purpose with the account's id; null: no password sign-in. */
  passwordSealed: string | null
  passwordChangedAt: UnixMs | null
  createdAt: UnixMs
  disabledAt: UnixMs | null
}

export interface SessionRecord {
  /** SHA-256 of the sid, base64url. The sid itself is only in the browser. */
  sidHash: string
  /** The id that lists, logs and upstream tokens show. Unique. */
  publicId: string
  /** 32 random bytes that go into the refresh token's tag. */
  secret: Buffer
  userId: string
  createdAt: UnixMs
  authTime: UnixMs
  amr: string[]
  remember: boolean
  idleMs: number
  /** The root key that this session's tags are made under, for its whole life. */
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

/** One row of the security log. The newest 200 of each kind are kept for an account. */
export interface EventRecord {
  /** Grows with each row. */
  id: number
  at: UnixMs
  kind: EventKind
  userId: string
  /** Who did it, where that was another account. */
  byUserId: string | null
  sessionId: string | null
  reason: EndReason | null
  userAgent: string | null
  network: string | null
}

/** A one-time code: set-up, invitation or password reset. */
export interface CodeRecord {
  id: string
  codeHash: string
  kind: 'setup' | 'invite' | 'reset'
  /** reset: whose password. */
  userId: string | null
  /** invite: the only address that may use it, or null. */
  email: string | null
  roles: Role[]
  /** Which administrator made it, and in which session (its public id); null: the command line. */
  byUserId: string | null
  bySessionId: string | null
  createdAt: UnixMs
  endsAt: UnixMs
  /** When it was used, or voided. */
  usedAt: UnixMs | null
}

/** Failed attempts under one key. */
export interface ThrottleRecord {
  key: string
  failures: number
  lastFailureAt: UnixMs
  /** No attempt is judged before this. */
  nextAt: UnixMs
}

/** An account elsewhere that signs its person in here, known by what the provider calls it (OIDC Core §5.7). */
export interface IdentityRecord {
  id: string
  userId: string
  /** The id of the provider in the configuration. */
  provider: string
  issuer: string
  subject: string
  /** As the provider said it last, if it vouches for it; never looked up by. */
  email: string | null
  emailVerified: boolean
  /** What a person recognises it by: a name or an address. */
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
  /** Whether the session rests on it, or only has it. */
  origin: 'sign_in' | 'link'
  /** The tokens as JSON, sealed under the `at-rest` purpose with the record's id; null: nothing here needs them. */
  sealed: string | null
  accessEndsAt: UnixMs | null
  /**
   * Written before a refresh token is sent to the provider and cleared with its answer: one that is still there after a
   * restart tells of a token that may have been used up.
   */
  refreshingAt: UnixMs | null
  refreshes: number
  createdAt: UnixMs
  /** What the session's ID token is signed with: a logout token is signed alike. null: there is none. */
  idTokenAlg: string | null
  /** When roles and standing are looked at again, whether or not anybody needs a token; null: never. */
  recheckAt: UnixMs | null
  /** The session is over: the grant waits for revocation and logout at the provider. */
  endedAt: UnixMs | null
}

// ---- Shared

/** Where a walk through a list stopped. Opaque: only the store that made it can read it. */
export type Cursor = string

/** When and from where something was done. `byUserId`: who did it, where that was another account. */
export interface Origin {
  at: UnixMs
  byUserId: string | null
  sessionId: string | null
  userAgent: string | null
  network: string | null
}

/** Who does something, and in which session (its public id): null for the command line, whose power nobody takes. */
export interface Maker {
  userId: string | null
  sessionId: string | null
}

// ---- Everything

export interface Store {
  readonly sessions: SessionStore
  readonly events: EventStore
  readonly accounts: AccountStore
  readonly codes: CodeStore
  readonly throttles: ThrottleStore
  readonly identities: IdentityStore
  readonly providerGrants: ProviderGrantStore
  readonly singleUses: SingleUseStore
  readonly housekeeping: HousekeepingStore
  readonly keyRecords: KeyRecordStore
  readonly maintenance: MaintenanceStore
  /** Writes what still waits, and lets go. */
  close(): Promise<void>
}

// ---- Sessions

/** A session that has just been ended, as everybody else needs to know it. */
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
  /** Living sessions that a person may have. */
  max: number
  at: UnixMs
  /** The session that was just opened, which stays: its public id. null: none was. */
  keep: string | null
  /** What memory knows of when a session was last seen: 0 where it knows nothing. Changes nothing, like `decide`. */
  lastSeenAt: (sidHash: string) => UnixMs
}

export interface NewSession {
  session: SessionRecord
  /** Whose place it takes, by public id: that session ends as `replaced`. `onlyLiving`: not once it is over. */
  replaces: { publicId: string; onlyLiving: boolean } | null
  /** When the password was set that the person has just shown; null: none was asked for. */
  passwordSetAt: UnixMs | null
  /** What a provider granted with this sign-in; null: nothing. */
  grant: ProviderGrantRecord | null
  /** What the person then has beyond it ends, too; null: no limit. */
  limit: SessionLimit | null
}

/** What a decision on a session may do to it. */
export type SessionChange =
  /** `generation` g → g+1, with g proven: the client has shown it. The absolute end stays. */
  | { kind: 'rotate'; at: UnixMs; lastSeenAt: UnixMs }
  | { kind: 'end'; at: UnixMs; reason: EndReason; lastSeenAt: UnixMs }

/** What memory knows and the record does not yet. `proven` is written only where `generation` is still the same. */
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
   * Inserts a session and ends the one that it replaces. Grants of that one, and what was made in it, go over to the
   * new one, where it is the same person's.
   * @throws Problem `account_disabled` or `invalid_credentials` when that changed meanwhile; `session_replaced` or
   * `not_signed_in` when what it replaces is over; `login_expired` when the identity that granted is not linked
   */
  insert(opening: NewSession): Promise<EndedBatch>
  /** Ends a batch of what a person has beyond the limit: those past their end first, then the ones idle longest. */
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
   * Ends a session, unless it is over or not `userId`'s (null: anybody's).
   * @param why.from the session that asks for it, if any
   * @returns what ended, as `change` does: empty when nothing did
   * @throws Problem `session_replaced`, `not_signed_in` when `why.from` is over
   */
  end(
    publicId: string,
    why: { reason: EndReason; at: UnixMs; userId: string | null; byUserId: string | null; from?: string },
  ): Promise<EndedSession[]>
  /**
   * Ends a batch of a person's living sessions.
   * @param why.except the session that asks for it, which stays
   * @throws Problem `session_replaced`, `not_signed_in` when `why.except` is over; `forbidden` when `why.byUserId` is
   * no administrator
   */
  endOf(
    userId: string,
    why: { reason: EndReason; at: UnixMs; except: string | null; byUserId: string | null },
  ): Promise<EndedBatch>
  /**
   * A page of a person's living sessions, newest first. One past its idle end is still listed until something judges it.
   * @param after `next` of the page before; null: the first page
   * @throws Problem `invalid_query` for a cursor that is not one of ours
   */
  page(userId: string, after: Cursor | null, limit: number): Promise<{ sessions: SessionRecord[]; next: Cursor | null }>
  saveProgress(batch: readonly SessionProgress[]): Promise<void>
}

// ---- The security log

/** A row of the security log; `byName`: the name of whoever else did it, null when nobody else did or they are gone. */
export type NamedEvent = EventRecord & { byName: string | null }

export interface EventStore {
  /** A page of a person's log, newest first. @param before the last id of the page before; null: the first page */
  page(userId: string, before: number | null, limit: number): Promise<NamedEvent[]>
}

// ---- Accounts. Whoever changes one announces the sessions that ended with it.

export type AccountWithSessions = AccountRecord & { sessions: number; lastSeenAt: UnixMs | null }

/** A sealed password verifier and whose it is. */
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
   * A page of all accounts, oldest first, with the number of living sessions and when one was last seen.
   * @param after the last id of the page before; null: the first page; an id that no account has: an empty page
   */
  page(now: UnixMs, after: string | null, limit: number): Promise<AccountWithSessions[]>
  /** The same for one account. */
  summary(id: string, now: UnixMs): Promise<AccountWithSessions | null>
  count(): Promise<number>
  /** Whether there is any account, disabled ones too. */
  anybody(): Promise<boolean>
  /**
   * Makes an account. The very first one is an administrator, whatever `account` says.
   * @throws Problem `email_taken`
   */
  create(account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * The same for somebody who registers.
   * @throws Problem `email_taken`; `registration_closed` before set-up
   */
  register(account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /** @throws Problem `not_found` */
  changeName(id: string, name: string, origin: Origin): Promise<AccountRecord>
  /**
   * Changes roles, disables and enables. Fields that are null stay, and so does what is so already. A change voids every
   * open code for the account and by it; disabling ends every session.
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
   * Replaces a verifier with one of the same password, hashed or sealed in another way.
   * @returns false when the password was changed in between: nothing was written
   */
  replaceVerifier(before: Verifier, passwordSealed: string): Promise<boolean>
  /**
   * Verifiers in the order of their accounts' ids, for re-sealing.
   * @param after the last id of the batch before, or ''
   */
  verifiers(after: string, limit: number): Promise<Verifier[]>
}

// ---- One-time codes. A code stays unused where using it throws.

export type InviteRecord = CodeRecord & { byName: string | null }

export interface CodeStore {
  /**
   * Makes the set-up code; any earlier one is void.
   * @throws Problem `already_set_up` once there is an account
   */
  createSetup(code: CodeRecord): Promise<void>
  /** @throws Problem `forbidden`, `not_signed_in` when its maker lost that power meanwhile; `limit_reached` */
  createInvite(code: CodeRecord, origin: Origin): Promise<void>
  /**
   * Makes a reset code for `code.userId`; earlier ones for the same person are void.
   * @throws Problem `not_found`; otherwise as `createInvite`
   */
  createReset(code: CodeRecord & { userId: string }, origin: Origin): Promise<void>
  /** A code that could be used now, or null. Only a first look: what counts is decided when it is used. */
  find(kind: CodeRecord['kind'], codeHash: string, now: UnixMs): Promise<CodeRecord | null>
  /**
   * A page of the invitations that can still be used, newest first.
   * @param after the last id of the page before; null: the first page
   */
  invites(now: UnixMs, after: string | null, limit: number): Promise<InviteRecord[]>
  /**
   * @returns whether there was one to revoke
   * @throws Problem `forbidden`, `not_signed_in` when the maker lost that power meanwhile
   */
  revokeInvite(id: string, maker: Maker, origin: Origin): Promise<boolean>
  /**
   * Uses the set-up code and makes the first account.
   * @throws Problem `already_set_up`, `invalid_code`
   */
  useSetup(codeHash: string, account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Uses an invitation and makes the account, with the invitation's roles.
   * @throws Problem `email_taken`; `invalid_code`, also when it is for another address or its maker may not invite now
   */
  useInvite(codeHash: string, account: AccountRecord, origin: Origin): Promise<AccountRecord>
  /**
   * Uses a reset code: a new password, every session ended.
   * @throws Problem `account_disabled`; `invalid_code`, also when its maker is no administrator any more
   */
  useReset(codeHash: string, passwordSealed: string, origin: Origin): Promise<Changed>
}

// ---- Throttles. Their keys are in throttle-keys.ts.

/** What one attempt is counted under. The first two are about the account, the third about where it comes from. */
export interface AttemptKeys {
  /** Recent failures: waits grow with them, and they are forgotten with time. */
  recent: string
  /** Consecutive failures, however far apart: at its limit the password is locked (NIST SP 800-63B-4 §3.2.2). */
  lock: string
  network: string
}

export type AttemptCounts = Record<keyof AttemptKeys, ThrottleRecord | null>

export interface ThrottleStore {
  /**
   * Hands `decide` the three counts and writes those that it returns, except where null: attempts that arrive together
   * are judged one after the other.
   * @returns what `decide` returned
   */
  reserve<D extends { write: AttemptCounts }>(keys: AttemptKeys, decide: (counts: AttemptCounts) => D): Promise<D>
  /** The same for one count. */
  reserveOne<D extends { write: ThrottleRecord }>(key: string, decide: (count: ThrottleRecord | null) => D): Promise<D>
  /**
   * Records a wrong password; the attempt itself was counted when it was reserved.
   * @param userId '' for an address that no account has: as much is written
   * @param lockedNow whether this failure was the one that locks the password
   */
  failed(userId: string, lockedNow: boolean, origin: Origin): Promise<void>
  /**
   * The password was right, or nothing was judged: counts in `forget` start again, those in `refund` become what is
   * left without the attempt.
   */
  settle(what: { forget: readonly string[]; refund: readonly Refund[] }): Promise<void>
}

/**
 * An attempt that was no failure, to be taken off a count. `left`: what the others have earned; null: nothing. It
 * changes nothing, like `decide`.
 */
export interface Refund {
  key: string
  left: (count: ThrottleRecord | null) => ThrottleRecord | null
}

// ---- Identities

/** What a provider said at a sign-in, kept to show; `provider`: what the configuration calls it now. */
export interface Seen {
  provider: string
  email: string | null
  emailVerified: boolean
  label: string
  at: UnixMs
}

/** `kept`: the account would have lost the last administrator's role. */
export interface Decided {
  account: AccountRecord
  kept: boolean
}

/** `unlinked`: sessions, by public id, that go on without what the provider granted to them. */
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
   * A sign-in by it. Roles that a mapping decides are applied, except that the last administrator stays one.
   * @param roles null: none are decided
   * @returns null when it is gone meanwhile
   */
  used(id: string, seen: Seen, roles: Role[] | null, origin: Origin): Promise<Decided | null>
  /**
   * A provider reports other roles without a sign-in: the same rules.
   * @param roles none: the mapping does not let the person in any more
   * @returns null when the identity is not linked with that account any more
   */
  decideRoles(
    of: { issuer: string; subject: string; userId: string },
    roles: Role[],
    origin: Origin,
  ): Promise<Decided | null>
  /**
   * Makes an account that signs in by this identity, by an invitation or by open registration.
   * @param how.invite the code's hash; an invitation for an address asks for an account that has it
   * @param how.rolesDecided a mapping has set the roles; otherwise they are the invitation's
   * @param how.mayBeFirst also before set-up
   * @throws Problem `registration_closed` before set-up, `invalid_code`, `email_taken`, `identity_taken`
   */
  create(
    account: AccountRecord,
    identity: IdentityRecord,
    how: { invite: string | null; rolesDecided: boolean; mayBeFirst: boolean },
    origin: Origin,
  ): Promise<AccountRecord>
  /**
   * Links it with an account, and keeps what it granted to the session that asked, if any: both or neither.
   * @returns whether the grant was kept: a session that signed in by another account of that provider keeps that one
   * @throws Problem `identity_taken` when it is another's; `limit_reached`, `not_found`, `account_disabled`,
   * `not_signed_in`
   */
  link(identity: IdentityRecord, grant: ProviderGrantRecord | null, origin: Origin): Promise<boolean>
  /**
   * Removes an identity, and ends the other sessions that signed in by it.
   * @param of.keep the session that asks
   * @param of.providers those that are configured: an identity of any other signs nobody in
   * @param of.passwords whether a password of ours signs in
   * @throws Problem `not_found`; `last_way_in` when the person could not sign in any more
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

// ---- Provider grants

/** What a token call gave, and when the person is looked at again; null: never. */
export interface NewTokens {
  sealed: string
  accessEndsAt: UnixMs | null
  recheckAt: UnixMs | null
}

export interface SealedGrant {
  id: string
  sealed: string
}

/** What a logout token says. Of `sid` and `subject` one is not null. */
export interface ProviderLogout {
  issuer: string
  /** The provider's session; null: every session of the subject. */
  sid: string | null
  subject: string | null
  /** All names of what the token is signed with: a session whose ID token is signed otherwise is not ended. */
  algs: readonly string[]
  /** The token's own id, good once. */
  use: { key: string; endsAt: UnixMs }
  at: UnixMs
}

export interface EndedAtProvider {
  /** The token was used before: nothing was done. */
  repeated: boolean
  /** What it names is there, and signed otherwise: nothing was done. */
  otherAlg: boolean
  ended: EndedSession[]
  /** Sessions that only had a grant of this provider, and go on without it. */
  unlinked: string[]
}

export interface ProviderGrantStore {
  find(id: string): Promise<ProviderGrantRecord | null>
  /** The living grant of a session at one provider. */
  ofSession(sessionId: string, provider: string): Promise<ProviderGrantRecord | null>
  /** Every grant of a session, living or over. */
  allOfSession(sessionId: string): Promise<ProviderGrantRecord[]>
  /**
   * Records that a refresh token is about to be sent. An older intent stays: it tells of an older doubt.
   * @param refreshes as the caller knows it: the grant's own is another once somebody has refreshed it
   * @returns false when the grant is over or was refreshed meanwhile
   */
  intend(id: string, refreshes: number, at: UnixMs): Promise<boolean>
  /** Takes an intent back: the token was certainly not used up. */
  withdraw(id: string, refreshes: number): Promise<void>
  /**
   * Keeps new tokens and clears the intent, in a grant that is over too: they are what has to be revoked.
   * @returns null when the grant is gone or holds newer ones already
   */
  save(id: string, refreshes: number, tokens: NewTokens): Promise<ProviderGrantRecord | null>
  /**
   * Replaces what is sealed without counting a refresh: with the ID token that it brought, say.
   * @returns false when there are newer tokens
   */
  amend(id: string, refreshes: number, change: { sealed: string; idTokenAlg: string | null }): Promise<boolean>
  /**
   * Takes living grants whose person is to be rechecked, the longest overdue first, and puts each off until then: where
   * the check fails, or the process dies, it is due again.
   * @param putOffUntil changes nothing, like `decide`
   */
  takeDue(
    now: UnixMs,
    limit: number,
    putOffUntil: (grant: ProviderGrantRecord) => UnixMs,
  ): Promise<ProviderGrantRecord[]>
  /** Nothing is to be rechecked again: the provider is not configured any more. */
  stopRechecks(id: string): Promise<void>
  /**
   * Ends a grant though its session goes on.
   * @returns whether this call ended it
   */
  end(id: string, at: UnixMs): Promise<boolean>
  /** Ends what a logout token names and uses the token up, so that one that failed half-way can be sent again. */
  endAtProvider(logout: ProviderLogout): Promise<EndedAtProvider>
  /** Whether another living grant may be of the same session at the provider: revoking one could end the other. */
  isShared(grant: Pick<ProviderGrantRecord, 'id' | 'issuer' | 'subject' | 'providerSid'>): Promise<boolean>
  /** What remains of a grant that was revoked: its tokens for a sign-out at the provider; null: nothing. */
  settle(id: string, sealed: string | null): Promise<void>
  /**
   * A page of the grants that were over before then, the longest first.
   * @param after `next` of the page before; null: the first page
   */
  over(
    before: UnixMs,
    after: Cursor | null,
    limit: number,
  ): Promise<{ grants: ProviderGrantRecord[]; next: Cursor | null }>
  remove(id: string): Promise<void>
  /**
   * Grants in the order of their ids, for re-sealing.
   * @param after the last id of the batch before, or ''
   */
  sealedGrants(after: string, limit: number): Promise<SealedGrant[]>
  /** @returns false when the tokens were changed in between */
  replaceSealed(before: SealedGrant, sealed: string): Promise<boolean>
}

// ---- Single uses: transactions of a sign-in, ids of logout tokens

export interface SingleUseStore {
  /**
   * Uses a name up: of many at once, one gets it. It may be forgotten once `endsAt` is past.
   * @returns whether it was unused
   */
  use(key: string, endsAt: UnixMs): Promise<boolean>
}

// ---- Housekeeping

/**
 * Deletes what is no longer needed, at most `limit` records a call, so that no request waits long for its turn to
 * write. Each returns how many went: fewer than `limit` means that it is done.
 */
export interface HousekeepingStore {
  events(before: UnixMs, limit: number): Promise<number>
  /** Sessions that were over before then, whether or not anything noticed. */
  sessions(before: UnixMs, limit: number): Promise<number>
  /** One-time codes that were used or ran out before then. */
  codes(before: UnixMs, limit: number): Promise<number>
  /** Failed attempts, the last of which was before then; the counts that lock a password stay over a year longer. */
  throttles(before: UnixMs, limit: number): Promise<number>
  /** The oldest of those with few failures, where there are more than `most` in all. */
  surplusThrottles(most: number, limit: number): Promise<number>
  /** Names that could be used once and ran out before then. */
  singleUses(before: UnixMs, limit: number): Promise<number>
  /**
   * Looks at `limit` living grants of providers, and ends those whose session is gone, so that they are revoked.
   * @param after `next` of the call before; null: from the first
   * @returns `overdue`: sessions, by public id, that are past their end although nothing noticed
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
  /** Raised at every start and every hour, and compared with the key file's; 0 before the first. */
  counter(): Promise<number>
  setCounter(counter: number): Promise<void>
  /** Checks of the keys that this store was used with, oldest first; empty: nothing is known of them. */
  keyChecks(kind: KeyKind): Promise<KeyCheck[]>
  setKeyChecks(kind: KeyKind, checks: readonly KeyCheck[]): Promise<void>
  /**
   * Looks at `limit` sessions for the root keys that living ones' refresh tokens are made under.
   * @param after `next` of the call before; null: from the first
   */
  tagKeysInUse(now: UnixMs, after: Cursor | null, limit: number): Promise<{ ids: string[]; next: Cursor | null }>
}

// ---- Maintenance: the store as a whole

export interface MaintenanceStore {
  /** Proves that writes still succeed, by making one. */
  touch(at: UnixMs): Promise<void>
  /** Does what the store would otherwise do while somebody waits. */
  tidy(): Promise<void>
  /**
   * Reads everything for damage, without holding up requests; nothing is read that was read when it was opened.
   * @returns what is wrong, for the log; null: nothing
   * @throws Error when it cannot be read
   */
  findDamage(): Promise<string | null>
  /**
   * Copies the store into a new file while it is in use.
   * @throws the system's or the driver's error
   */
  backup(file: string): Promise<void>
  /**
   * Voids every one-time code, then ends every session, a batch at a time: after a restore, where codes that were used
   * since would work again, and when keys were compromised.
   * @param announce called with each batch
   * @returns how many sessions ended
   */
  revokeAll(why: { reason: EndReason; at: UnixMs }, announce: (ended: readonly EndedSession[]) => void): Promise<number>
}
