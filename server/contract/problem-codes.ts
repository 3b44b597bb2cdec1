import * as v from 'valibot'
import { ACR_VALUES } from './acr.ts'

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
  password_breached: { status: 400, title: 'The password has appeared in a data breach' },
  not_signed_in: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'The e-mail address or password is incorrect' },
  session_replaced: { status: 401, title: 'You have signed in again; send this request again' },
  reauthentication_required: { status: 401, title: 'Confirm your password first' },
  code_required: { status: 401, title: 'Enter a code of your second factor, too' },
  incorrect_code: { status: 401, title: 'The code is incorrect, or has already been used' },
  clock_differs: { status: 401, title: 'The code is of another time: check the clock of the device that shows it' },
  passkey_unknown: { status: 401, title: 'This passkey is not known here' },
  passkey_of_another: { status: 403, title: 'This passkey belongs to another account' },
  user_verification_required: {
    status: 401,
    title: 'Use the passkey again, and confirm it with your PIN, fingerprint or face',
  },
  passkey_refused: { status: 401, title: 'The passkey could not be verified' },
  cross_origin: { status: 403, title: 'This request did not come from this site' },
  forbidden: { status: 403, title: 'You do not have permission to do this' },
  registration_closed: { status: 403, title: 'Registration is closed' },
  invite_required: { status: 403, title: 'An invitation is required to create an account' },
  account_disabled: { status: 403, title: 'This account is disabled' },
  password_locked: {
    status: 403,
    title: 'Too many failed sign-ins: sign in from a browser used before, or use a reset link',
  },
  second_factor_required: { status: 403, title: 'Set up a second factor first' },
  second_factor_locked: {
    status: 403,
    title: 'Too many wrong codes: use a recovery code or a passkey, or ask an administrator',
  },
  not_found: { status: 404, title: 'Page not found' },
  method_not_allowed: { status: 405, title: 'This address does not support that method' },
  request_timeout: { status: 408, title: 'The request took too long' },
  already_set_up: { status: 409, title: 'The site has already been set up' },
  mail_unavailable: { status: 409, title: 'This site does not send mail' },
  email_taken: { status: 409, title: 'An account with this e-mail address already exists' },
  passkey_registered: { status: 409, title: 'This passkey is already registered' },
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
  insufficient_user_authentication: { status: 401, title: 'Confirm who you are to continue' },
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

/** The body of every error response (`application/problem+json`). */
export const ProblemBody = v.object({
  type: v.literal('about:blank'),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  code: v.picklist(PROBLEM_CODES),
  detail: v.optional(v.string()),
  requestId: v.pipe(v.optional(v.string()), v.description('Identifies the log line')),
  fields: v.pipe(
    v.optional(v.record(v.string(), v.string())),
    v.description('The invalid fields by name, each with one English sentence'),
  ),
  retryAfter: v.pipe(v.optional(v.number()), v.description('Seconds to wait; Retry-After has them rounded up.')),
  minLength: v.optional(v.pipe(v.number(), v.integer())),
  maxAge: v.pipe(v.optional(v.number()), v.description('The maximum seconds since the last sign-in (RFC 9470 §3)')),
  acr: v.pipe(v.optional(v.picklist(ACR_VALUES)), v.description('The level that the session must have (RFC 9470 §3)')),
  provider: v.pipe(v.optional(v.string()), v.description('The id of the provider concerned')),
})
export type ProblemBody = v.InferOutput<typeof ProblemBody>
