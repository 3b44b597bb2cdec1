import type * as openidClient from 'openid-client'
import { SECOND, type UnixMs } from '../base/clock.ts'
import { httpDate } from '../base/http-date.ts'
import { durationOf } from '../base/numbers.ts'
import { Problem } from '../base/problem.ts'
import { UNNAMED_ERROR } from './answers.ts'
import { printable } from './printable.ts'
import { type Blame, type FailureKind, RefreshFailure } from './token-client-types.ts'

type Openid = typeof openidClient
/** Whose call it was. */
interface CalledClient {
  openid: Openid
  provider: { id: string }
  now: () => UnixMs
}

/** TLS error codes that mean the certificate's issuer is not trusted here, or its name does not match. */
const UNTRUSTED = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
])
/** Error codes that mean the request was never sent. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'EREFUSED',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  ...UNTRUSTED,
])
/** Error codes that mean the provider is in trouble, whatever the status. */
const TROUBLE = new Set([
  'temporarily_unavailable',
  'service_unavailable',
  'slow_down',
  'server_error',
  'internal_error',
  'internal_server_error',
  'rate_limited',
  'rate_limit_exceeded',
  'ratelimited',
  'too_many_requests',
  'timeout',
  'request_timeout',
])
/**
 * Error codes about this site's configuration at the provider: every grant would be refused alike, so none has ended.
 */
const SET_UP = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'unsupported_token_type',
  'unsupported_response_type',
  'invalid_client_metadata',
  'invalid_client_secret',
  'incorrect_client_credentials',
  'bad_client_secret',
  'redirect_uri_mismatch',
  'invalid_redirect_uri',
  'application_suspended',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'insufficient_scope',
  'bad_request',
  'not_found',
  'permission_denied',
  'access_forbidden',
  UNNAMED_ERROR,
])
/** Error codes of a token that is no longer valid, at any endpoint. */
const OVER = new Set(['invalid_grant', 'invalid_token'])
/**
 * Matches error codes made for a specific case: `bad_refresh_token`. A refresh token refused with one that is not
 * listed above is no longer valid, since each provider has its own spelling. `Unauthorized` and other status names are
 * less specific.
 */
const CHOSEN_CODE = /^[a-z]+(?:[_-][a-z]+)+$/
/** Error codes that only the user can resolve, by signing in at the provider again. */
const SIGN_IN_AGAIN = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'mfa_required',
])
/** Statuses that judge the token. Any other 4xx may come from a gateway that never forwarded the request. */
const REFUSING = new Set([400, 401, 403, 422])

/** The kind of call: the meaning of an error depends on what was sent. */
export type CallKind = 'refresh' | 'exchange' | 'other'
type Code = 'provider_unavailable' | 'provider_refused' | 'provider_answer_invalid' | 'provider_sign_in_required'

/**
 * Maps an error of a token endpoint call to its effect at the provider and the problem to report. Decided by codes and
 * status, never by text.
 * @see RFC 6749 §5.2 · RFC 8693 §2.2.2
 */
export function callFailure(from: CalledClient, error: unknown, callKind: CallKind = 'other'): RefreshFailure {
  const {
    openid,
    provider: { id: provider },
  } = from
  const cause = withoutTokens(error)
  const fail = (kind: FailureKind, code: Code, more: { response?: Response; blame?: Blame } = {}) => {
    const problem = new Problem(
      code,
      { provider, ...(code === 'provider_unavailable' ? { retryAfter: 5 } : {}) },
      cause,
    )
    return new RefreshFailure(kind, problem, {
      retryAfterMs: more.response === undefined ? null : retryAfterMs(more.response.headers, from.now()),
      ...(more.blame === undefined ? {} : { blame: more.blame }),
    })
  }
  const answer = answerOf(openid, error)
  if (answer !== null) {
    const { status, code, response } = answer
    if (status >= 500) return fail('unknown', 'provider_unavailable', { response })
    if (status === 429 || TROUBLE.has(code ?? '')) return fail('unchanged', 'provider_unavailable', { response })
    if (code !== null) return fail(...refusalOf(code, REFUSING.has(status) ? callKind : 'other'))
    if (status === 401 || status === 403) return fail('refused', 'provider_refused')
    // Redirects are not followed, because that would send the refresh token elsewhere.
    if (status < 400) return fail('unknown', 'provider_answer_invalid')
    return fail('unchanged', 'provider_unavailable', { response })
  }
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Problem) return new RefreshFailure('unchanged', at)
  }
  if (neverLeft(error)) return fail('unchanged', 'provider_unavailable')
  if (isNetwork(openid, error)) return fail('unknown', 'provider_unavailable')
  // An invalid 200 response: the call may have taken effect. If it was readable, the fault only concerns this grant.
  const isReadable =
    error instanceof openid.ClientError &&
    ['OAUTH_INVALID_RESPONSE', 'OAUTH_UNSUPPORTED_OPERATION'].includes(error.code ?? '')
  return fail('unknown', 'provider_answer_invalid', { blame: isReadable ? 'grant' : 'provider' })
}

function refusalOf(code: string, callKind: CallKind): [FailureKind, Code] {
  if (OVER.has(code)) return ['over', 'provider_refused']
  if (SET_UP.has(code)) return ['refused', 'provider_refused']
  if (callKind === 'refresh' && CHOSEN_CODE.test(code)) return ['over', 'provider_refused']
  return [
    'refused',
    callKind === 'exchange' && SIGN_IN_AGAIN.has(code) ? 'provider_sign_in_required' : 'provider_refused',
  ]
}

interface Answer {
  status: number
  code: string | null
  response: Response
}

/** A response that was not the expected one. `code: null`: it contains no readable error code */
function answerOf(openid: Openid, error: unknown): Answer | null {
  if (error instanceof openid.ResponseBodyError)
    return { status: error.status, code: error.error.toLowerCase(), response: error.response }
  if (error instanceof openid.WWWAuthenticateChallengeError) {
    const errorCode = error.cause.map(challenge => challenge.parameters['error']).find(value => value !== undefined)
    return { status: error.status, code: errorCode?.toLowerCase() ?? null, response: error.response }
  }
  const response = error instanceof openid.ClientError && error.cause instanceof Response ? error.cause : null
  return response === null || response.status < 300 ? null : { status: response.status, code: null, response }
}

/** Whether a call failed before anything was sent, so that it consumed nothing. */
export function neverLeft(error: unknown): boolean {
  return hasCode(error, code => UNSENT.has(code))
}

/** Whether it failed because of this machine's trust store or network policy, which the provider cannot fix. */
export function untrustedChain(error: unknown): boolean {
  return hasCode(error, code => UNTRUSTED.has(code) || code === 'EREFUSED')
}

function hasCode(error: unknown, isOne: (code: string) => boolean): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isOne((at as NodeJS.ErrnoException).code ?? '')) return true
  }
  return false
}

function isNetwork(openid: Openid, error: unknown): boolean {
  if (error instanceof openid.ClientError)
    return ['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(error.code ?? '') || error.cause instanceof DOMException
  return error instanceof TypeError || error instanceof DOMException
}

/**
 * openid-client attaches whole responses with tokens to its errors: only the messages and codes are kept for the log.
 */
function withoutTokens(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('not an error')
  const { name, message } = error
  const details = error as { code?: unknown; error?: unknown; status?: unknown }
  const parts = [details.code, details.error, details.status].filter(
    part => typeof part === 'string' || typeof part === 'number',
  )
  const labels = parts.map(part => printable(part))
  return new Error(`${name}: ${printable(message)}${labels.length === 0 ? '' : ` (${labels.join(', ')})`}`)
}

/**
 * `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3). A date is compared with the sender's own `Date`, if there
 * is one, so that a clock that is off here or there makes no wait longer or shorter.
 * @returns ms, 0 for a date that has passed; null for a header that is missing or neither
 */
export function retryAfterMs(headers: Headers, now: UnixMs): number | null {
  const value = headers.get('retry-after') ?? ''
  const at = httpDate(value, now)
  const seconds =
    at === null
      ? durationOf(value)
      : durationOf(Math.max(0, at - (httpDate(headers.get('date') ?? '', now) ?? now)) / SECOND)
  return seconds === null ? null : seconds * SECOND
}
