import { errors, jwtVerify } from 'jose'
import { SECOND, type UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderClient } from './types.ts'

/** What a provider's logout token says. Of `sid` and `subject` at least one is not null. */
export interface LogoutToken { issuer: string, subject: string | null, sid: string | null, jti: string, endsAt: UnixMs }

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** A token says "now": one that tells of long ago was kept by somebody. */
const AGE_MS = 10 * 60 * SECOND
const LENGTH_MAX = 255

/** Checks a logout token: its kind, who signed it, for whom, when, and that it could be nothing else.
 * @throws Problem `bad_request` for one that is not to be believed; `provider_unavailable` when the keys cannot be had just now
 * @see OIDC Back-Channel Logout §2.4, §2.6 */
export async function readLogoutToken({ provider, keys, algorithms }: ProviderClient, token: string, now: UnixMs): Promise<LogoutToken> {
  if (keys === null) throw refused('the provider signs nothing')
  const clockTolerance = provider.clockToleranceSeconds
  const { payload } = await jwtVerify(token, keys, {
    algorithms, issuer: provider.issuer, audience: provider.clientId, typ: 'logout+jwt', clockTolerance, currentDate: new Date(now),
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
  }).catch((error: unknown) => {
    throw asProblem(provider.id, error)
  })
  const { sub, jti, iat = 0, exp = 0 } = payload
  const { sid, events, nonce } = payload
  if (iat * SECOND > now + clockTolerance * SECOND) throw refused('iat is in the future')
  if (iat * SECOND < now - AGE_MS - clockTolerance * SECOND) throw refused('iat is long ago')
  if (typeof events !== 'object' || events === null || !isObject((events as Record<string, unknown>)[EVENT])) throw refused('events names no back-channel logout')
  // With a nonce it would pass for an ID token, and an ID token for it.
  if (nonce !== undefined) throw refused('there is a nonce')
  if (!isText(jti)) throw refused('jti is no text')
  if ((sub !== undefined && !isText(sub)) || (sid !== undefined && !isText(sid))) throw refused('sub or sid is no text')
  if (sub === undefined && sid === undefined) throw refused('there is neither sub nor sid')
  return { issuer: provider.issuer, subject: sub ?? null, sid: isText(sid) ? sid : null, jti, endsAt: (exp + clockTolerance) * SECOND }
}

/** Failing to fetch keys says nothing about the token: the provider may send it again. */
function asProblem(provider: string, error: unknown): Problem {
  const isTheirs = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  return isTheirs ? refused(error.code, error) : new Problem('provider_unavailable', { provider, retryAfter: 5 }, error)
}

function refused(why: string, cause: unknown = null): Problem {
  return new Problem('bad_request', { detail: 'This logout token is not to be believed.' }, new Error(`a logout token was refused: ${why}`, { cause }))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LENGTH_MAX
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
