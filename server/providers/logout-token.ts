import { errors, type JWTPayload } from 'jose'
import { MINUTE, SECOND, type UnixMs } from '../base/clock.ts'
import { instantOf } from '../base/numbers.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderClient } from './types.ts'

/** What a provider's logout token says. Of `sid` and `subject` at least one is not null. */
export interface LogoutToken {
  issuer: string
  subject: string | null
  sid: string | null
  jti: string
  alg: string
  /** From then on it is not believed any more, whatever `exp` says. */
  endsAt: UnixMs
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** A token says "now": one that tells of long ago was kept by somebody. */
const AGE_MS = 10 * MINUTE
/** Dex and Hydra type theirs as any JWT, others not at all. */
const PLAIN_TYPES = [null, 'jwt']
/** Claims of ID tokens and access tokens: a token without a type of its own that has one may be such a token. */
const OTHERS_CLAIMS = [
  'at_hash',
  'c_hash',
  's_hash',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'scope',
  'scp',
  'client_id',
  'cnf',
]
const LENGTH_MAX = 255

/**
 * Checks a logout token: its kind, who signed it, for whom, when, and that it could be nothing else.
 * @throws Problem `bad_request` for one that is not to be believed; `provider_unavailable` when the keys cannot be had
 * just now
 * @see OIDC Back-Channel Logout §2.4, §2.6
 */
export async function readLogoutToken(
  { provider, keys, algorithms }: ProviderClient,
  token: string,
  now: UnixMs,
): Promise<LogoutToken> {
  if (keys === null) throw refused('the provider signs nothing')
  const { payload, alg, typ } = await keys
    .verify(token, 'logout_token', {
      algorithms,
      issuer: provider.issuer,
      audience: provider.clientId,
      clockTolerance: provider.clockToleranceSeconds,
      currentDate: new Date(now),
      requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
    })
    .catch((error: unknown) => {
      throw asProblem(provider.id, error)
    })
  checkKind(payload, typ)
  const { sub, jti, sid } = payload
  if (!isText(jti)) throw refused('jti is not a string')
  if ((sub !== undefined && !isText(sub)) || (sid !== undefined && !isText(sid)))
    throw refused('sub or sid is not a string')
  if (sub === undefined && sid === undefined) throw refused('there is neither sub nor sid')
  const endsAt = endOf(payload, provider.clockToleranceSeconds * SECOND, now)
  return { issuer: provider.issuer, subject: sub ?? null, sid: isText(sid) ? sid : null, jti, alg, endsAt }
}

/** That it is a logout token, and could be nothing else. */
function checkKind(payload: JWTPayload, typ: string | null): void {
  const { events, nonce } = payload
  const isPlain = PLAIN_TYPES.includes(typ)
  if (!isPlain && typ !== 'logout+jwt') throw refused('it has another type')
  if (!isObject(events) || !isObject((events as Record<string, unknown>)[EVENT]))
    throw refused('events has no back-channel logout')
  // With a nonce it would pass for an ID token, and an ID token for it.
  if (nonce !== undefined) throw refused('there is a nonce')
  const foreign = isPlain ? OTHERS_CLAIMS.find(name => payload[name] !== undefined) : undefined
  if (foreign !== undefined)
    throw refused(`${foreign} is a claim of another kind of token, and it has no type of its own`)
}

/** @returns when it ends: at its `exp`, and soon after its `iat` in any case */
function endOf({ iat, exp }: JWTPayload, toleranceMs: number, now: UnixMs): UnixMs {
  const issuedAt = instantOf(iat)
  if (issuedAt === null || issuedAt > now + toleranceMs) throw refused('iat is in the future')
  if (issuedAt < now - AGE_MS - toleranceMs) throw refused('iat is long ago')
  return Math.min(instantOf(exp) ?? Infinity, issuedAt + AGE_MS) + toleranceMs
}

/** Failing to fetch keys says nothing about the token: the provider may send it again. */
function asProblem(provider: string, error: unknown): Problem {
  const isTheirs = error instanceof errors.JOSEError
  return isTheirs ? refused(error.code, error) : new Problem('provider_unavailable', { provider, retryAfter: 5 }, error)
}

function refused(why: string, cause: unknown = null): Problem {
  return new Problem(
    'bad_request',
    { detail: 'This logout token cannot be trusted.' },
    new Error(`a logout token was refused: ${why}`, { cause }),
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LENGTH_MAX
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
