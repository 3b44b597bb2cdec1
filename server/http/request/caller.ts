import type { EndReason } from '../../contract/end-reasons.ts'
import type { AccountUser } from '../../accounts/account.ts'
import type { Client, IssuedCookies, LiveSession } from '../../session/types.ts'

/** The authenticated caller of a request. Created by `authenticate`, after which nothing reads our cookies again. */
export interface Caller {
  readonly client: Client
  /** Both or neither: a session whose account was deleted or disabled counts as anonymous. */
  readonly signedIn: { session: LiveSession; user: AccountUser } | null
  /** Signed in, but by a session that was just replaced: only page loads and `GET /auth/session` get this far. */
  readonly replaced: boolean
  /** Why the session named by the cookies has ended. */
  readonly ended: EndReason | null
  /** Our other cookies, still sealed; null if absent or duplicated. */
  readonly device: string | null
  readonly form: string | null
  readonly logout: string | null
  /** A sign-in that another factor has to complete. */
  readonly secondFactor: string | null
  /** The ids of this browser's pending sign-ins at providers. */
  transactions(): readonly string[]
  /** The sealed cookie of one of them. */
  transaction(id: string): string | null
}

/**
 * The response's changes to our cookies, which a single place turns into Set-Cookie when the headers are sent: routes
 * never set cookies themselves.
 */
export interface ResponseCookies {
  /** Sets the cookies of a session that was just opened, overriding any earlier decision. */
  issue(issued: IssuedCookies): void
  /** Clears the session cookies: only for the response to a sign-out. */
  clear(): void
  /** Sets any other cookie, as a Set-Cookie value. The last one of a name wins. */
  cookie(value: string): void
}
