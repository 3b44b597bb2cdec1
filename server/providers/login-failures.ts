import { Problem } from '../base/problem.ts'
import { withoutSecrets } from './call-failure.ts'
import { callFailure, untrustedChain } from './provider-failures.ts'
import { FailedCheck } from './flow.ts'
import { printable } from './printable.ts'
import { SetUpError } from './set-up-error.ts'
import type { ProviderClient } from './types.ts'

/**
 * Error codes that mean the user, or a policy about the user, declined: standard ones and common others.
 * @see RFC 6749 §4.1.2.1 · OIDC Core §3.1.2.6
 */
const REFUSALS = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'user_cancelled_login',
  'user_cancelled_authorize',
  'user_denied',
  'cancelled',
  'cancelled_by_user',
])
const TROUBLE = new Set(['server_error', 'temporarily_unavailable', 'slow_down'])
/** A code that expired or was already used: the standard's and GitHub's name for it. Starting over helps. */
const OVER = new Set(['invalid_grant', 'bad_verification_code'])

type ProviderContext = Pick<ProviderClient, 'openid' | 'provider' | 'now'>

/** Our own message may contain two long URLs of the provider. */
const MAX_MESSAGE_LENGTH = 800

/**
 * Maps an error during a sign-in to what the user is told: they declined, the site is misconfigured, the provider is
 * down, or its response is invalid. The cause is logged and contains no token.
 * @param secrets what was sent to the provider and may be quoted by it
 */
export function asLoginProblem(client: ProviderContext, error: unknown, secrets: readonly string[]): Problem {
  const { openid, provider } = client
  if (error instanceof Problem) return error
  const extras = { provider: provider.id }
  const fail = (code: Problem['code'], why = describe(error)) => new Problem(code, extras, new FailedCheck(why))
  if (error instanceof openid.AuthorizationResponseError) {
    const { error: code, error_description: more } = error
    const parts = [code, more ?? ''].filter(Boolean).map(text => printable(withoutSecrets(text, secrets), 300))
    return fail(byCode(code), `the provider sent back ${parts.join(': ')}`)
  }
  if (error instanceof openid.ResponseBodyError && isRefusal(error.status)) {
    return fail(OVER.has(error.error) ? 'login_expired' : byCode(error.error))
  }
  if (error instanceof openid.WWWAuthenticateChallengeError && isRefusal(error.status))
    return fail('provider_misconfigured')
  if (error instanceof FailedCheck) return new Problem('provider_answer_invalid', extras, error)
  const setUp = findCause(error, SetUpError)
  if (setUp !== null) return new Problem('provider_misconfigured', extras, setUp)
  if (untrustedChain(error)) return fail('provider_misconfigured')
  const status = statusOf(error)
  if (status !== null && isRefusal(status))
    return fail('provider_misconfigured', `${describe(error)}; status ${status}`)
  const { problem } = callFailure(client, error)
  return new Problem(problem.code, { ...problem.extras, ...extras }, new FailedCheck(describe(error)))
}

/** Rate limits and timeouts are not refusals. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429 && status !== 408
}

/**
 * Any other code concerns the two sites' configuration: an unknown client, scope or redirect URI, or an unsupported
 * algorithm.
 */
function byCode(code: string): Problem['code'] {
  if (REFUSALS.has(code)) return 'provider_refused'
  return TROUBLE.has(code) ? 'provider_unavailable' : 'provider_misconfigured'
}

/** The status of an unexpected response. */
function statusOf(error: unknown): number | null {
  const response = findCause(error, Response)
  return response?.status ?? null
}

function findCause<T>(error: unknown, kind: abstract new (...args: never[]) => T): T | null {
  for (let at: unknown = error; at !== undefined && at !== null; at = at instanceof Error ? at.cause : null) {
    if (at instanceof kind) return at
  }
  return null
}

/**
 * The messages and codes of an error and its causes, plus the expected and actual value of an issuer or audience. The
 * responses that openid-client attaches to its errors are left out, since they include tokens.
 */
export function describe(error: unknown): string {
  const messages: string[] = []
  let at: unknown = error
  for (; at instanceof Error && messages.length < 4; at = at.cause) {
    const { code, error: body } = at as { code?: unknown; error?: unknown }
    const names = [code, body].filter(name => typeof name === 'string').map(name => printable(name, 100))
    messages.push([printable(at.message, MAX_MESSAGE_LENGTH), ...names].join(' '))
  }
  const compared = comparisonOf(at)
  return (compared === null ? messages : [...messages, compared]).join('; ')
}

/** Claims that identify sites and are not secret. */
const SITES = new Set(['iss', 'aud', 'azp'])

/**
 * The comparison that openid-client reports as failed: a token's claim, a response parameter, or a document's member.
 */
function comparisonOf(cause: unknown): string | null {
  if (typeof cause !== 'object' || cause === null) return null
  const { expected, claim, claims, parameters, body, attribute } = cause as Record<string, unknown>
  const comparison = (name: string, got: unknown) => `${name}: expected ${printable(expected)}, got ${printable(got)}`
  if (typeof claim === 'string' && SITES.has(claim))
    return comparison(claim, (claims as Record<string, unknown> | undefined)?.[claim])
  if (parameters instanceof URLSearchParams && typeof expected === 'string')
    return comparison('iss', parameters.get('iss'))
  if (attribute === 'issuer') return comparison('issuer', (body as Record<string, unknown> | undefined)?.['issuer'])
  return null
}
