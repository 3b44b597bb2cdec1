import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { type Clock, SECOND } from '../../base/clock.ts'
import { Refused } from './refused.ts'

/** The subject of the token. Notes belong to `sub`. */
export interface Caller {
  sub: string
  name: string | null
}

interface Deps {
  jwks: URL
  issuer: string
  audience: string
  clock: Clock
}

/** Asymmetric algorithms only; a token cannot choose any other (RFC 8725 §3.1). */
const ALGORITHMS = ['ES256', 'RS256', 'Ed25519']
const REALM = 'Bearer realm="notes"'
/** Tolerated clock skew. */
const TOLERANCE_SECONDS = 5
const MAX_TOKEN_LENGTH = 8192

/**
 * Verifies access tokens as any API would: it shares nothing with the issuer but the published keys.
 * @see RFC 9068 §4 · RFC 6750 §3 for the responses
 */
export function createBearer({ jwks, issuer, audience, clock }: Deps) {
  const keys = createRemoteJWKSet(jwks, { timeoutDuration: 5 * SECOND, cooldownDuration: 5 * SECOND })

  /** @throws Refused `invalid_token`, or `keys_unreachable` if the token cannot be checked */
  return async ({ headers }: IncomingMessage): Promise<Caller> => {
    const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1]
    if (token === undefined) throw unauthorized(null)
    if (token.length > MAX_TOKEN_LENGTH) throw unauthorized('it is too long')
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'exp', 'iat'],
        currentDate: new Date(clock.now().wall),
        clockTolerance: TOLERANCE_SECONDS,
      })
      if (typeof payload.sub !== 'string' || payload.sub === '') throw unauthorized('it has no subject')
      const name = payload['name']
      return { sub: payload.sub, name: typeof name === 'string' && name !== '' ? name : null }
    } catch (error) {
      throw asRefused(error)
    }
  }
}

/**
 * An invalid token is the caller's fault. A key set that cannot be fetched is not, and must not look like a sign-out.
 */
function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error
  if (error instanceof errors.JWTExpired) return unauthorized('it has expired', error)
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(`its ${error.claim} is not accepted`, error)
  if (error instanceof errors.JWKSNoMatchingKey) return unauthorized('its key is unknown', error)
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return unauthorized('its algorithm is not accepted', error)
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWKSMultipleMatchingKeys
  )
    return unauthorized('it is not well formed', error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return unauthorized('its signature is wrong', error)
  return new Refused('keys_unreachable', { headers: { 'retry-after': '2' } }, error)
}

/** @param why null: no token was sent, so no error code is given (RFC 6750 §3.1) */
function unauthorized(why: string | null, cause?: unknown): Refused {
  if (why === null) return new Refused('invalid_token', { headers: { 'www-authenticate': REALM } })
  const challenge = `${REALM}, error="invalid_token", error_description="The access token was refused: ${why.replaceAll('"', '')}"`
  return new Refused(
    'invalid_token',
    { detail: `The access token was refused: ${why}.`, headers: { 'www-authenticate': challenge } },
    cause,
  )
}
