/**
 * Every problem that a client can receive, with its HTTP status and English title (RFC 9457 §3.1). Codes are stable:
 * the site translates by code and clients may branch on it.
 */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'The request could not be understood' },
  upgrade_refused: { status: 502, title: 'This service refused the live connection' },
  bad_path: { status: 400, title: 'The path is not valid' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_body: { status: 400, title: 'Some fields are missing or invalid' },
  invalid_query: { status: 400, title: 'The query is not valid' },
  invalid_code: { status: 400, title: 'This link or code is invalid, has already been used, or has expired' },
  duplicate_cookies: { status: 400, title: 'Your browser sent two different sessions' },
  password_too_short: { status: 400, title: 'The password is too short' },
  password_too_long: { status: 400, title: 'The password is too long' },
  password_common: { status: 400, title: 'The password is common, or a variation of a common one' },
  password_personal: {
    status: 400,
    title: 'The password is mostly your name, your e-mail address or the name of this site',
  },
  not_signed_in: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'The e-mail address or password is incorrect' },
  session_replaced: { status: 401, title: 'You have signed in again; send this request again' },
  reauthentication_required: { status: 401, title: 'Confirm your password first' },
  cross_origin: { status: 403, title: 'This request did not come from this site' },
  forbidden: { status: 403, title: 'You do not have permission to do this' },
  registration_closed: { status: 403, title: 'Registration is closed' },
  invite_required: { status: 403, title: 'An invitation is required to create an account' },
  account_disabled: { status: 403, title: 'This account is disabled' },
  password_locked: {
    status: 403,
    title: 'Too many failed sign-ins: sign in from a browser used before, or use a reset link',
  },
  not_found: { status: 404, title: 'Page not found' },
  method_not_allowed: { status: 405, title: 'This address does not support that method' },
  request_timeout: { status: 408, title: 'The request took too long' },
  already_set_up: { status: 409, title: 'The site has already been set up' },
  email_taken: { status: 409, title: 'An account with this e-mail address already exists' },
  limit_reached: { status: 409, title: 'The limit has been reached' },
  last_admin: { status: 409, title: 'At least one administrator must remain' },
  body_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'This address requires JSON' },
  provider_sign_in_required: {
    status: 401,
    title: 'Sign in with the provider first: this service requires its token',
  },
  provider_refused: { status: 403, title: 'The sign-in was cancelled or refused at the provider' },
  provider_misconfigured: {
    status: 502,
    title: 'Sign-in with the provider is not configured correctly',
  },
  provider_answer_invalid: { status: 502, title: 'The response from the provider could not be trusted' },
  provider_unavailable: { status: 503, title: 'The provider is unavailable' },
  not_admitted: { status: 403, title: 'This provider account does not have access to this site' },
  login_expired: {
    status: 400,
    title: 'This sign-in expired, was already finished, or started in another browser',
  },
  link_required: {
    status: 409,
    title: 'An account with this e-mail address already exists: sign in to it and link the provider there',
  },
  identity_taken: { status: 409, title: 'This provider account is already linked to another account' },
  last_way_in: { status: 409, title: 'This is the only sign-in method of the account' },
  insufficient_user_authentication: { status: 401, title: 'Sign in again to continue: it has been too long' },
  wrong_host: { status: 421, title: 'This site has a different address' },
  too_many_streams: { status: 429, title: 'Too many live connections are open' },
  slow_down: { status: 429, title: 'Too many attempts; wait a moment' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Something went wrong' },
  upstream_unreachable: { status: 502, title: 'This service cannot be reached' },
  upstream_tls_failed: { status: 502, title: 'No secure connection to this service could be made' },
  upstream_timeout: { status: 504, title: 'This service did not respond in time' },
  store_unavailable: { status: 503, title: 'The database is unavailable' },
  busy: { status: 503, title: 'The server is busy; try again in a moment' },
  draining: { status: 503, title: 'The server is restarting' },
} as const

export type ProblemCode = keyof typeof PROBLEMS
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]

/** The body of every error response (`application/problem+json`). `requestId` identifies the log line. */
export interface ProblemBody {
  type: 'about:blank'
  title: string
  status: number
  code: ProblemCode
  detail?: string | undefined
  requestId?: string | undefined
  /** The invalid fields by name, each with one English sentence. */
  fields?: Record<string, string> | undefined
  /** Seconds to wait, the same number as in Retry-After. */
  retryAfter?: number | undefined
  minLength?: number | undefined
  /** The maximum seconds since the last sign-in (RFC 9470 §3). */
  maxAge?: number | undefined
  /** The id of the provider concerned. */
  provider?: string | undefined
}
