import type { Account } from '../accounts/account.ts'
import { Problem } from '../base/problem.ts'
import type { PasswordLinks } from '../contract/wire.ts'
import type { Finished } from '../providers/types.ts'
import type { Client, LiveSession, SessionBasis } from '../session/types.ts'

/**
 * One way to prove an identity. A method does not know HTTP: it gets plain records and returns the next step.
 *
 * It refuses by throwing a `Problem`, whose code is what the user and the log are told. It does not decide whether its
 * proof is enough or a second factor must follow: that is decided on the proof.
 * @see docs/decisions/019-sign-in-methods.md
 */
export interface SignInMethod {
  /**
   * Its stable name in URLs (`/auth/login/<id>`), in `GET /auth/methods` and in the log: lower-case letters, digits and
   * dashes.
   */
  readonly id: string
  /** What a sign-in page needs to know. Read on each request, so that an outage shows. */
  describe(): MethodDescription
  /**
   * Signs a user in.
   * @throws Problem `invalid_body` for fields that the method does not have; others are its own
   */
  authenticate(input: SignInInput, context: SignInContext): Promise<SignInStep>
  /**
   * Confirms the identity of a signed-in user. The proof is always about the account of that session.
   * @throws Problem as `authenticate` does
   */
  reauthenticate(input: SignInInput, context: ReauthenticationContext): Promise<SignInStep>
}

export type MethodDescription =
  /**
   * The form with a name and a password; at most one method. `by`: the API that checks them, if we do not; `links`: its
   * own pages.
   */
  | { kind: 'password'; minLength: number; by: string | null; links: PasswordLinks }
  /** A link to another site. */
  | { kind: 'provider'; name: string; icon: string; available: boolean }
  /** A challenge that a script of the page answers. */
  | { kind: 'challenge' }

export type SignInInput =
  /** What a script or a form posted, not validated. */
  | { kind: 'posted'; fields: unknown }
  /** The browser came back from a provider, and its response was verified. */
  | { kind: 'returned'; finished: Finished }

/** The circumstances of an attempt. */
export interface SignInContext {
  client: Client
  /** The sealed cookie of a known device, or null. */
  device: string | null
  remember: boolean
  /** Where the user wants to go: a path of this site. */
  returnTo: string
  pending: PendingSignIns
}

export interface ReauthenticationContext extends SignInContext {
  session: Pick<LiveSession, 'publicId' | 'userId' | 'authTime' | 'absoluteEndsAt'>
}

/** Sign-ins in progress. They are kept in the browser only: a few, for ten minutes. */
export interface PendingSignIns {
  /** The maximum length of the next sealed value, in bytes. */
  maxBytes(): number
  /** Removes one. @returns its sealed value; null: this browser has none with that id */
  take(id: string): string | null
}

/** `id` is made by `newTransactionId`; `sealed` fits into a cookie. */
export interface PendingSignIn {
  id: string
  sealed: string
}

export type SignInStep =
  /** The identity is proven. */
  | { next: 'session'; proof: Proof }
  /** The browser continues at another site and comes back. */
  | { next: 'redirect'; href: string; pending: PendingSignIn }
  /** The same method is called again with the response to the challenge. */
  | { next: 'challenge'; challenge: object; pending: PendingSignIn }

/** Who it is, how that was proven, and what a session based on it must know. */
export interface Proof {
  account: Account
  /** RFC 8176. */
  amr: string[]
  /** Whether a provider vouches for them that this site trusts with second factors, too. */
  isTrusted?: boolean
  /** What the session then depends on; null: the account alone. */
  basis: SessionBasis | null
  /** Revokes what was granted. To be called if no session is opened. */
  abandon(): void
}

/** The posted fields. @throws Problem `not_found` for a return from a provider, which this method does not have */
export function postedFields(input: SignInInput): unknown {
  if (input.kind !== 'posted') throw new Problem('not_found')
  return input.fields
}
