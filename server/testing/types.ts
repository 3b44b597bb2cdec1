import type { Role, WireSession, WireUser } from '../contract/wire.ts'

/** Who a test signs in as. What is left out is as for a new account, whatever an earlier test said about it. */
export interface TestPerson {
  /** Names the account, which is created if it is missing. */
  email: string
  /** Default: the address up to its `@`. */
  name?: string
  /** Default: `['user']`. */
  roles?: Role[]
  /** How the session was authenticated, such as `['pwd', 'otp', 'mfa']` (RFC 8176). Default: `['pwd']`. */
  amr?: string[]
}

/** The answer of `GET /auth/session` in the new session. */
export interface TestSession {
  user: WireUser
  session: WireSession
}

export interface SignInOptions {
  /** The site under test, such as `http://localhost:3000`. Default: Playwright's `baseURL`, or else the page's own site. */
  origin?: string
  /** Default: the variable `PORCHLIGHT_TEST_SIGN_IN` of this process. */
  secret?: string
}

export interface TestSite {
  /** Such as `http://localhost:21327`. */
  origin: string
  /** Ends the server and removes its data. */
  close(): Promise<void>
}
