import type { EndReason } from '../../contract/end-reasons.ts'
import type { WireUser } from '../../contract/wire.ts'
import type { Client, IssuedCookies, LiveSession } from '../../session/types.ts'

/** Who is asking. Made by `identify`; after it nobody looks at our cookies again. */
export interface Caller {
  readonly client: Client
  /** Both or neither: a session whose account is gone or disabled is nobody's. */
  readonly signedIn: { session: LiveSession; user: WireUser } | null
  /**
   * Signed in, but by a session that was replaced a moment ago: only pages and the question who is signed in get this
   * far.
   */
  readonly replaced: boolean
  /** Why the session that the cookies name is over. */
  readonly ended: EndReason | null
  /** Our other cookies, still sealed; null when absent, or when one name came twice. */
  readonly device: string | null
  readonly form: string | null
  readonly logout: string | null
  /** The ids of sign-ins at providers that this browser has under way. */
  transactions(): readonly string[]
  /** The sealed cookie of one of them. */
  transaction(id: string): string | null
}

/**
 * What the answer shall do to the cookie jar. One writer turns it into Set-Cookie at the instant the headers leave:
 * routes never set cookies themselves.
 */
export interface ResponseCookies {
  /** The session cookies of a session that was just opened; takes the place of any earlier decision. */
  grant(grant: IssuedCookies): void
  /** Clears the session cookies: for the answer to a sign-out only. */
  clear(): void
  /** Any other cookie, as a Set-Cookie value. The last one of a name wins. */
  cookie(value: string): void
}
