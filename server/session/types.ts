import type { MaybePromise } from '../base/maybe-promise.ts'
import type { SteadyMs, UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EndedSession, ProviderGrantRecord } from '../store/types.ts'

/**
 * Our two session cookies as presented by a request. If a name occurs twice, `duplicated` is true and neither is
 * trusted.
 */
export interface PresentedCookies {
  access: string | null
  refresh: string | null
  duplicated: boolean
}

/** The kind of request, as far as it matters to a session. */
export interface RequestTraits {
  /** False for HEAD and upgrades: they are judged, but nothing is sent. */
  renews: boolean
  /** Whether it counts as user activity: not for polling, event streams and upgrades. */
  foreground: boolean
}

/** The client as seen by the HTTP layer. */
export interface Client {
  userAgent: string
  network: string
}

export interface LiveSession {
  publicId: string
  userId: string
  createdAt: UnixMs
  authTime: UnixMs
  amr: string[]
  remember: boolean
  /** null: this request presented no valid access token and gets none. */
  accessEndsAt: UnixMs | null
  idleEndsAt: UnixMs
  absoluteEndsAt: UnixMs
}

/** Cookies to be set when the headers are sent. Opaque outside the room. */
export interface IssuedCookies {
  readonly sidHash: string
  readonly generation: number
  readonly decidedAt: SteadyMs
  readonly cookies: readonly string[]
}

export type Resolution =
  | { state: 'anonymous'; ended: EndReason | null; duplicated: boolean }
  /** `replaced`: its browser has just signed in again; only pages are served. Never sets cookies. */
  | { state: 'live' | 'replaced'; session: LiveSession; issued: IssuedCookies | null }

export interface ReplacedSession {
  publicId: string
  /** Whether it is replaced by confirming the user's identity: only possible while that session is active. */
  reauthenticates: boolean
}

export type SessionBasis =
  /** The password just presented: it proves nothing once there is another. */
  | { kind: 'password'; setAt: UnixMs }
  /**
   * A sign-in at a provider. `authTime`: when the user authenticated there; null: now. `endsAt`: the latest end of the
   * session; null: as usual. `grant`: the sealed grant, stored in the same transaction; null: none.
   */
  | { kind: 'provider'; authTime: UnixMs | null; endsAt: UnixMs | null; grant: ProviderGrantRecord | null }

export interface OpenInput {
  userId: string
  /** The authentication methods (RFC 8176). */
  amr: string[]
  remember: boolean
  client: Client
  /** This browser's session that the new one replaces, or null. */
  replaces: ReplacedSession | null
  /** When the person authenticated, if that was before; otherwise now, or as the basis says. */
  authTime?: UnixMs | null
  /** What the session depends on besides the account, or null. */
  basis: SessionBasis | null
  /** Whether this browser has never signed in to the account before. */
  newDevice: boolean
}

export interface Sessions {
  /**
   * Judges the cookies of a request; refreshes, ends and records activity by the rules.
   * @throws Problem `store_unavailable` if the store fails and no valid access token was presented
   */
  resolve(presented: PresentedCookies, traits: RequestTraits): MaybePromise<Resolution>
  /**
   * Opens a session; the one it replaces ends in the same transaction.
   * @throws Problem `store_unavailable`
   */
  open(input: OpenInput): Promise<{ session: LiveSession; issued: IssuedCookies }>
  /**
   * Ends one session by public id. Does nothing if it has ended or does not belong to `userId`.
   * @returns whether this call ended it
   */
  end(
    publicId: string,
    why: { reason: EndReason; userId: string | null; byUserId: string | null; from?: string },
  ): Promise<boolean>
  /**
   * Ends all of an account's sessions except one, in batches, so that other requests are handled in between.
   * @returns how many
   */
  endAll(userId: string, why: { reason: EndReason; except: string | null; byUserId: string | null }): Promise<number>
  /**
   * One page of an account's active sessions, newest first.
   * @param cursor `next` of the previous page, or null; the first page begins with the session `first` if it belongs to
   * the account
   * @throws Problem `invalid_query` for a cursor that is not ours
   */
  page(
    userId: string,
    at: { cursor: string | null; first: string | null; limit: number },
  ): Promise<{ sessions: SessionSummary[]; next: string | null }>
  /** The newest of an account's active sessions, as many as the setting can allow. */
  list(userId: string): Promise<SessionSummary[]>
  /**
   * Ends sessions beyond the limit, which only an older version can have admitted: called before ending all of an
   * account's sessions in one transaction.
   */
  trim(userId: string): Promise<void>
  /** The Set-Cookie values of issued cookies, decided when the headers are sent: [] if they are void by then. */
  cookiesFor(issued: IssuedCookies): readonly string[]
  /** Set-Cookie values that clear ours: only for the response to a sign-out. */
  clearing(): readonly string[]
  /** Notifies the room that another store transaction has ended sessions (a disabled account, a reset password). */
  announce(ended: readonly EndedSession[]): void
  /**
   * Calls back once after each end.
   * @returns a function that unsubscribes
   */
  onEnded(listener: EndListener): () => void
  /**
   * For streams that outlive their request: ends a session that is past its idle or absolute end.
   * @returns when it will be, as far as known now; null: it has ended
   */
  endIfOver(publicId: string): Promise<UnixMs | null>
  /** Writes what is only in memory (confirmations, last seen). */
  flush(): Promise<void>
  /** Stops timers and flushes, at shutdown. */
  close(): Promise<void>
}

export type EndListener = (ended: EndedSession) => void

export interface SessionSummary {
  publicId: string
  createdAt: UnixMs
  lastSeenAt: UnixMs
  idleEndsAt: UnixMs
  absoluteEndsAt: UnixMs
  remember: boolean
  userAgent: string
  network: string
}
