import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EventKind, Role } from '../contract/wire.ts'

/**
 * What the product keeps, and what it may expect of whatever keeps it. `sqlite/` and `memory/` implement these
 * interfaces, `contract.testing.ts` is the suite that every implementation passes. Whoever uses a store knows this file
 * only.
 *
 * Promises that hold for every function:
 * - One function is one transaction: it happens whole or not at all, and its log rows are part of it.
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
  /** Numbers of its own, which only a throwaway session of /proof has; null: the settings'. All three or none. */
  confirmMs: number | null
  graceMs: number | null
  accessMs: number | null
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

// ---- Shared by several stores

/** Where a walk through a list stopped. Opaque: only the store that made it can read it. */
export type Cursor = string

// ---- Sessions

/** A session that has just been ended, as everybody else needs to know it. */
export interface EndedSession {
  sidHash: string
  publicId: string
  userId: string
  reason: EndReason
  endedAt: UnixMs
  throwaway: boolean
}

/** A batch of sessions that one transaction ended; `more`: there may be others. */
export interface EndedBatch {
  ended: EndedSession[]
  more: boolean
}

export interface SessionLimit {
  /** Living sessions that a person may have; as many throwaway ones beside. */
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
   * A page of a person's living sessions, newest first, without throwaway ones. One past its idle end is still listed
   * until something judges it.
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
