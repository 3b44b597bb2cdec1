/** Every problem that a client can be told, with its HTTP status and English title (RFC 9457 §3.1).
 * Codes are stable: the site translates by code and clients may branch on it. */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'The request could not be understood' },
  upgrade_refused: { status: 502, title: 'The service behind this address took no live connection' },
  bad_path: { status: 400, title: 'The path is not acceptable' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_body: { status: 400, title: 'Some fields are missing or wrong' },
  invalid_query: { status: 400, title: 'The query is not acceptable' },
  invalid_code: { status: 400, title: 'This link or code is not valid, was used already, or has expired' },
  duplicate_cookies: { status: 400, title: 'Your browser sent two different sessions' },
  password_too_short: { status: 400, title: 'The password is too short' },
  password_too_long: { status: 400, title: 'The password is too long' },
  password_common: { status: 400, title: 'The password is a commonly used one, or easily made from one' },
  password_personal: {
    status: 400,
    title: 'The password is mostly your own name or address, or the name of this site',
  },
  not_signed_in: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'The e-mail address or the password is wrong' },
  session_replaced: { status: 401, title: 'You have signed in anew; send this again' },
  reauthentication_required: { status: 401, title: 'Confirm your password first' },
  cross_origin: { status: 403, title: 'This request did not come from this site' },
  forbidden: { status: 403, title: 'You may not do this' },
  registration_closed: { status: 403, title: 'New accounts cannot be made here' },
  invite_required: { status: 403, title: 'An invitation is needed to make an account' },
  account_disabled: { status: 403, title: 'This account is disabled' },
  password_locked: {
    status: 403,
    title: 'Too many failed sign-ins in a row: sign in from a browser that you used before, or with a reset link',
  },
  not_found: { status: 404, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, title: 'This address does not take that method' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  already_set_up: { status: 409, title: 'The first administrator exists already' },
  email_taken: { status: 409, title: 'An account with this e-mail address exists already' },
  limit_reached: { status: 409, title: 'There are as many of these as there can be' },
  last_admin: { status: 409, title: 'At least one administrator has to remain' },
  body_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'This address takes JSON' },
  provider_sign_in_required: {
    status: 401,
    title: 'Sign in with the provider first: the service behind this address takes its token',
  },
  provider_refused: { status: 403, title: 'The sign-in was refused or given up at the provider' },
  provider_misconfigured: {
    status: 502,
    title: 'The provider does not take this site: its set-up here or there is wrong',
  },
  provider_answer_invalid: { status: 502, title: 'What the provider answered could not be trusted' },
  provider_unavailable: { status: 503, title: 'The provider cannot be reached just now' },
  not_admitted: { status: 403, title: 'This account of the provider is not one of those that may come in here' },
  login_expired: {
    status: 400,
    title: 'This sign-in was finished already, took too long, or began in another browser',
  },
  link_required: {
    status: 409,
    title: 'An account with this e-mail address exists already: sign in to it, and link this way in there',
  },
  identity_taken: { status: 409, title: 'This account of the provider belongs to another account here' },
  last_way_in: { status: 409, title: 'This is the only way into the account' },
  insufficient_user_authentication: { status: 401, title: 'Sign in again to go on: it has been too long' },
  wrong_host: { status: 421, title: 'This site has another address' },
  too_many_streams: { status: 429, title: 'Too many live connections are open' },
  slow_down: { status: 429, title: 'Too many attempts; wait a little' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Something went wrong here' },
  upstream_unreachable: { status: 502, title: 'The service behind this address cannot be reached' },
  upstream_timeout: { status: 504, title: 'The service behind this address did not answer in time' },
  store_unavailable: { status: 503, title: 'The database cannot be reached or written just now' },
  busy: { status: 503, title: 'Too much work at once; try again in a moment' },
  draining: { status: 503, title: 'The server is restarting' },
} as const

export type ProblemCode = keyof typeof PROBLEMS
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]

/** The body of every error answer (`application/problem+json`). `requestId` finds the log line. */
export interface ProblemBody {
  type: 'about:blank'
  title: string
  status: number
  code: ProblemCode
  detail?: string | undefined
  requestId?: string | undefined
  /** Which fields are wrong, by name, each with one English sentence. */
  fields?: Record<string, string> | undefined
  /** Seconds to wait, the same number as in Retry-After. */
  retryAfter?: number | undefined
  minLength?: number | undefined
  /** Seconds since the last sign-in that are allowed at most (RFC 9470 §3). */
  maxAge?: number | undefined
  /** The id of the provider that it is about. */
  provider?: string | undefined
}
