import type { MaybePromise } from '../base/maybe-promise.ts'
import type { SteadyMs, UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EndedSession, ProviderGrantRecord } from '../store/types.ts'

/** Our two session cookies as a request brought them. Two of one name: `duplicated`, and neither is believed. */
export interface PresentedCookies {
  access: string | null
  refresh: string | null
  duplicated: boolean
}

/** What kind of request it is, as far as a session cares. */
export interface RequestTraits {
  /** False for HEAD and upgrades: they are judged, but nothing is sent. */
  renews: boolean
  /** Whether it counts as the person's activity: not for polling, event streams and upgrades. */
  foreground: boolean
}

/** Who is at the other end, as the edge saw it. */
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
  /** null: this request brought no valid access token and gets none. */
  accessEndsAt: UnixMs | null
  idleEndsAt: UnixMs
  absoluteEndsAt: UnixMs
}

/** Cookies that were decided on and wait for the headers to leave. Opaque outside the room. */
export interface IssuedCookies {
  readonly sidHash: string
  readonly generation: number
  readonly decidedAt: SteadyMs
  readonly cookies: readonly string[]
}

export type Resolution =
  | { state: 'nobody'; ended: EndReason | null; duplicated: boolean }
  /** `replaced`: its browser signed in again a moment ago; pages are served, nothing else is. Never has a grant. */
  | { state: 'live' | 'replaced'; session: LiveSession; grant: IssuedCookies | null }

export interface OpenInput {
  userId: string
  /** How the person proved who they are (RFC 8176). */
  amr: string[]
  remember: boolean
  client: Client
  /** The session of this browser that the new one takes the place of: its public id. */
  replaces: string | null
  /** Whether it takes that place because somebody confirmed who they are: then only while that session goes on. */
  reauthenticates: boolean
  /**
   * When the password was set that the person has just shown: once there is another, it proves nothing. null: none was
   * asked for.
   */
  passwordSetAt: UnixMs | null
  /** When the person showed who they are, where that was elsewhere and earlier; null: now. */
  authTime: UnixMs | null
  /** The session lives no longer than this, where what it came by ends; null: as long as any. */
  endsAt: UnixMs | null
  /** What a provider granted with this sign-in, sealed already; it is kept in the same transaction. null: nothing. */
  providerGrant: ProviderGrantRecord | null
}

export interface Sessions {
  /**
   * Judges what a request brought; renews, ends and notes activity as the rules say.
   * @throws Problem `store_unavailable` when the store fails and no valid access token was shown
   */
  resolve(shown: PresentedCookies, traits: RequestTraits): MaybePromise<Resolution>
  /**
   * Opens a session; the one it replaces ends in the same transaction.
   * @throws Problem `store_unavailable`
   */
  open(input: OpenInput): Promise<{ session: LiveSession; grant: IssuedCookies }>
  /**
   * Ends one session, by public id. Ending one that is over, or that is not `userId`'s, does nothing.
   * @returns whether this call ended it
   */
  end(
    publicId: string,
    why: { reason: EndReason; userId: string | null; byUserId: string | null; from?: string },
  ): Promise<boolean>
  /**
   * Ends all of a person's sessions but one, some at a time: others are answered in between.
   * @returns how many
   */
  endAll(userId: string, why: { reason: EndReason; except: string | null; byUserId: string | null }): Promise<number>
  /**
   * One page of a person's living sessions, newest first.
   * @param cursor `next` of the page before, or null; a first page begins with the session `first`, if that is theirs
   * @throws Problem `invalid_query` for a cursor that is not one of ours
   */
  page(
    userId: string,
    at: { cursor: string | null; first: string | null; limit: number },
  ): Promise<{ sessions: SessionSummary[]; next: string | null }>
  /** The newest of a person's living sessions, as many as a setting can allow. */
  list(userId: string): Promise<SessionSummary[]>
  /**
   * Ends what a person has beyond the limit, which only an older version can have let in: for whoever is about to end
   * all of their sessions in one transaction.
   */
  trim(userId: string): Promise<void>
  /** Set-Cookie values for a grant, judged at the instant the headers leave: [] when it is void by then. */
  cookiesFor(grant: IssuedCookies): readonly string[]
  /** Set-Cookie values that clear ours: for the answer to a sign-out only. */
  clearing(): readonly string[]
  /** Tells the room that a store transaction elsewhere has ended sessions (a disabled account, a reset password). */
  announce(ended: readonly EndedSession[]): void
  /**
   * Calls back after each end, once.
   * @returns a function that stops it
   */
  onEnded(listener: EndListener): () => void
  /**
   * For streams that outlive their request: ends a session that is past its idle or absolute end.
   * @returns when it will be, as far as is known now; null: it is over
   */
  endIfOver(publicId: string): Promise<UnixMs | null>
  /** Writes what is only in memory (proven, last seen). */
  flush(): Promise<void>
  /** Stops timers and flushes: at drain. */
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
