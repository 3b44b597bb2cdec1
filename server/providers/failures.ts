import type * as openidClient from 'openid-client'
import { SECOND } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { type FailureKind, RefreshFailure } from './refresher.ts'

type Openid = typeof openidClient

/** Codes that say this machine trusts nobody who vouches for the certificate, or that it is of another name. */
const UNTRUSTED = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_GET_ISSUER_CERT',
])
/** Codes that say the request never left. */
const UNSENT = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'EREFUSED',
  'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', ...UNTRUSTED,
])
/** What a provider says of a token that is good no more. */
const OVER = new Set(['invalid_grant', 'invalid_token'])

/** What a call of a token endpoint threw → what it leaves behind there, and what may be told. Decided by codes and status, never by text.
 * @see RFC 6749 §5.2 · RFC 8693 §2.2.2 */
export function callFailure(openid: Openid, provider: string, error: unknown): RefreshFailure {
  const fail = (kind: FailureKind, code: 'provider_unavailable' | 'provider_refused' | 'provider_answer_invalid', response?: Response) =>
    new RefreshFailure(kind, new Problem(code, { provider, ...(code === 'provider_unavailable' ? { retryAfter: 5 } : {}) }, withoutTokens(error)), response === undefined ? null : retryAfterMs(response.headers))

  if (error instanceof openid.ResponseBodyError) {
    if (error.status >= 500) return fail('unknown', 'provider_unavailable', error.response)
    if (error.status === 429 || error.error === 'temporarily_unavailable' || error.error === 'slow_down') return fail('unchanged', 'provider_unavailable', error.response)
    if (OVER.has(error.error)) return fail('over', 'provider_refused')
    // A wrong secret, an audience that it does not know: nothing that another try would change.
    return fail('unchanged', 'provider_refused')
  }
  if (error instanceof openid.WWWAuthenticateChallengeError) return fail('unchanged', error.status >= 500 ? 'provider_unavailable' : 'provider_refused', error.response)
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Problem) return new RefreshFailure('unchanged', at)
  }
  if (neverLeft(error)) return fail('unchanged', 'provider_unavailable')
  const answered = error instanceof openid.ClientError && error.cause instanceof Response ? error.cause : null
  if (answered !== null && answered.status >= 300) {
    // A redirect is not followed: it would take the refresh token elsewhere.
    if (answered.status < 400) return fail('unknown', 'provider_answer_invalid')
    return fail(answered.status < 500 ? 'unchanged' : 'unknown', 'provider_unavailable', answered)
  }
  // Cut, too slow, or a 200 that fails a check: in each case it may have acted.
  return fail('unknown', isNetwork(openid, error) ? 'provider_unavailable' : 'provider_answer_invalid')
}

/** Whether a call failed before anything of it reached the other side: what it would have used up is unused. */
export function neverLeft(error: unknown): boolean {
  return hasCode(error, code => UNSENT.has(code))
}

/** Whether it failed because of what this machine trusts or reaches, which the provider cannot mend. */
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
  if (error instanceof openid.ClientError) return ['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(error.code ?? '') || error.cause instanceof DOMException
  return error instanceof TypeError || error instanceof DOMException
}

/** openid-client hangs the whole answer, tokens and all, on its errors: what is logged keeps the names of what went wrong. */
function withoutTokens(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('not an error')
  const { name, message } = error
  const said = error as { code?: unknown, error?: unknown, status?: unknown }
  const parts = [said.code, said.error, said.status].filter(part => typeof part === 'string' || typeof part === 'number')
  return new Error(`${name}: ${message}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`)
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3). @returns ms, or null where there is none, or a date */
export function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * SECOND : null
}
