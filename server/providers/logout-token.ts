import { errors, type JWTPayload } from 'jose'
import { MINUTE, SECOND, type UnixMs } from '../base/clock.ts'
import { instantOf } from '../base/numbers.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderClient } from './types.ts'

/** A validated logout token. At least one of `sid` and `subject` is not null. */
export interface LogoutToken {
  issuer: string
  subject: string | null
  sid: string | null
  jti: string
  alg: string
  /** From this time on it is rejected, whatever `exp` says. */
  endsAt: UnixMs
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** A logout token reports a current event, so an old one was probably replayed. */
const AGE_MS = 10 * MINUTE
/** Dex and Hydra type theirs as plain JWTs, others not at all. */
const PLAIN_TYPES = [null, 'jwt']
/** Claims of ID tokens and access tokens: without an explicit type, a token with one of these may be such a token. */
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
 * Validates a logout token: its type, signature, audience and age, and that it is no other kind of token.
 * @throws Problem `bad_request` if it is invalid; `provider_unavailable` while the keys cannot be fetched
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

/** Checks that it is a logout token and no other kind. */
function checkKind(payload: JWTPayload, typ: string | null): void {
  const { events, nonce } = payload
  const isPlain = PLAIN_TYPES.includes(typ)
  if (!isPlain && typ !== 'logout+jwt') throw refused('it has another type')
  if (!isObject(events) || !isObject((events as Record<string, unknown>)[EVENT]))
    throw refused('events has no back-channel logout')
  // With a nonce, it could be confused with an ID token.
  if (nonce !== undefined) throw refused('there is a nonce')
  const foreign = isPlain ? OTHERS_CLAIMS.find(name => payload[name] !== undefined) : undefined
  if (foreign !== undefined)
    throw refused(`${foreign} is a claim of another kind of token, and it has no type of its own`)
}

/** @returns when it expires: at its `exp`, but soon after its `iat` at the latest */
function endOf({ iat, exp }: JWTPayload, toleranceMs: number, now: UnixMs): UnixMs {
  const issuedAt = instantOf(iat)
  if (issuedAt === null || issuedAt > now + toleranceMs) throw refused('iat is in the future')
  if (issuedAt < now - AGE_MS - toleranceMs) throw refused('iat is long ago')
  return Math.min(instantOf(exp) ?? Infinity, issuedAt + AGE_MS) + toleranceMs
}

/** Failing to fetch keys says nothing about the token, which the provider may send again. */
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
