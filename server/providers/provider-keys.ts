import {
  compactVerify,
  type CompactJWSHeaderParameters,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyOptions,
  UnsecuredJWT,
} from 'jose'
import { type Clock, MINUTE, SECOND, type SteadyMs } from '../base/clock.ts'
import type { Outbound } from './outbound.ts'

/** The origin of a token. We request ID tokens from the token endpoint, whereas anyone can send us a logout token. */
export type TokenKind = 'id_token' | 'logout_token'
/** `typ`: in lower case and without `application/`; null: none. */
export interface VerifiedToken {
  payload: JWTPayload
  alg: string
  typ: string | null
}

/** A provider's public keys, fetched when first needed and again if a token does not match them. */
export interface ProviderKeys {
  /**
   * Verifies the signature and the claims that `options` name. Null claims count as absent.
   * @throws JOSEError if the token is invalid; any other Error if the keys cannot be fetched
   */
  verify(token: string, kind: TokenKind, options: JWTVerifyOptions & { algorithms: string[] }): Promise<VerifiedToken>
}

interface Deps {
  url: string
  fetch: Outbound['fetch']
  clock: Clock
}

/**
 * The minimum time between fetches, after a success and after a failure; slower for what strangers can trigger (OI-10).
 */
const WAIT_MS: Record<TokenKind, { fetched: number; failed: number }> = {
  id_token: { fetched: SECOND, failed: SECOND },
  logout_token: { fetched: 10 * SECOND, failed: 5 * SECOND },
}
/** Keys older than this are fetched again before use, because one may have been withdrawn. */
const FRESH_MS = 10 * MINUTE
/** Bounds the keys that a token without `kid` is tried with; no provider has more than a few. */
const KEYS_MAX = 50

export function createProviderKeys({ url, fetch, clock }: Deps): ProviderKeys {
  let known: { set: JSONWebKeySet; at: SteadyMs } | null = null
  let failed: { error: unknown; at: SteadyMs } | null = null
  let inFlight: Promise<JSONWebKeySet> | null = null
  const age = (at: SteadyMs) => clock.now().steady - at

  async function reload(): Promise<JSONWebKeySet> {
    try {
      const set = await fetchKeys(fetch, url)
      known = { set, at: clock.now().steady }
      failed = null
      return set
    } catch (error) {
      failed = { error, at: clock.now().steady }
      throw error
    }
  }

  function reloadOnce(kind: TokenKind): Promise<JSONWebKeySet> {
    if (inFlight !== null) return inFlight
    // Retrying so soon returns the last attempt's error.
    if (failed !== null && age(failed.at) < WAIT_MS[kind].failed) return Promise.reject(failed.error as Error)
    inFlight = reload().finally(() => {
      inFlight = null
    })
    return inFlight
  }

  return {
    async verify(token, kind, options) {
      const usable = known !== null && age(known.at) < FRESH_MS ? known.set : null
      const set = usable ?? (await reloadOnce(kind))
      try {
        return await verifyWith(set, token, kind, options)
      } catch (error) {
        // The provider may already sign with a key that it has just published, perhaps reusing an id.
        const isKeyInDoubt =
          error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
        if (!isKeyInDoubt) throw error
        const newer = known !== null && known.set !== set ? known.set : null
        if (newer === null && known !== null && age(known.at) < WAIT_MS[kind].fetched) throw error
        return verifyWith(newer ?? (await reloadOnce(kind)), token, kind, options)
      }
    },
  }
}

async function verifyWith(
  set: JSONWebKeySet,
  token: string,
  kind: TokenKind,
  options: JWTVerifyOptions & { algorithms: string[] },
): Promise<VerifiedToken> {
  const { payload, header } = await checkSignature(set, token, options.algorithms)
  const typ = typeOf(header)
  // A type of its own says what a token is for (RFC 8725 §3.11): an access or logout token is not an ID token.
  if (kind === 'id_token' && typ?.endsWith('+jwt') === true)
    throw new errors.JWTInvalid(`a token of the type ${typ.slice(0, 40)} is not an ID token`)
  const { algorithms: _, typ: _typ, ...claimOptions } = options
  // The library verifies claims and signature together and rejects null claims, so claims are checked separately.
  const checked = UnsecuredJWT.decode(new UnsecuredJWT(claimsOf(payload)).encode(), claimOptions)
  return { payload: checked.payload, alg: header.alg, typ }
}

async function checkSignature(
  set: JSONWebKeySet,
  token: string,
  algorithms: string[],
): Promise<{ payload: Uint8Array; header: CompactJWSHeaderParameters }> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, createLocalJWKSet(set), { algorithms })
    return { payload, header: protectedHeader }
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      const found = await compactVerify(token, key, { algorithms }).catch((failure: unknown) => {
        if (failure instanceof errors.JWSSignatureVerificationFailed) return null
        throw failure
      })
      if (found !== null) return { payload: found.payload, header: found.protectedHeader }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** The media type without the optional `application/` (RFC 7515 §4.1.9). */
function typeOf({ typ }: CompactJWSHeaderParameters): string | null {
  if (typ === undefined || typ === null) return null
  if (typeof typ !== 'string') throw new errors.JWTInvalid('the type is not a string')
  return typ.toLowerCase().replace(/^application\//, '')
}

/** Without nulls, and with numbers that survive serialisation: JSON parses `1e999` but would write it as null. */
function claimsOf(bytes: Uint8Array): JWTPayload {
  let claims: unknown
  try {
    claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new errors.JWTInvalid('the claims are not JSON')
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new errors.JWTInvalid('the claims are not a JSON object')
  const entries = Object.entries(claims).filter(([, value]) => value !== null)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value === Infinity ? Number.MAX_SAFE_INTEGER : value]),
  )
}

async function fetchKeys(fetch: Outbound['fetch'], url: string): Promise<JSONWebKeySet> {
  const answer = await fetch(url, { method: 'GET', headers: { accept: 'application/json, application/jwk-set+json' } })
  // A provider that is down has not given an invalid answer.
  if (answer.status === 429 || answer.status >= 500)
    throw new TypeError('the keys cannot be fetched', { cause: new Error(`status ${answer.status}`) })
  if (answer.status !== 200) throw new Error(`the keys cannot be fetched: status ${answer.status}`)
  const body: unknown = await answer.json().catch(() => null)
  const keys = typeof body === 'object' && body !== null ? (body as { keys?: unknown }).keys : null
  if (!Array.isArray(keys)) throw new Error('the keys cannot be fetched: the response is not a JSON Web Key Set')
  return {
    keys: keys
      .filter((key): key is JWK => typeof key === 'object' && key !== null && !Array.isArray(key))
      .slice(0, KEYS_MAX),
  }
}

/** Every name of an algorithm: Ed25519 has two (RFC 9864 §2.2). */
export function namesOf(alg: string): string[] {
  return alg === 'EdDSA' || alg === 'Ed25519' ? ['EdDSA', 'Ed25519'] : [alg]
}
