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

/**
 * Where a token came from. An ID token comes from the token endpoint by a call of ours; a logout token is sent by
 * whoever likes.
 */
export type TokenKind = 'id_token' | 'logout_token'
/** `typ`: in lower case and without `application/`; null: it has none. */
export interface VerifiedToken {
  payload: JWTPayload
  alg: string
  typ: string | null
}

/** A provider's public keys, fetched when they are first wanted and again when a token does not fit them. */
export interface ProviderKeys {
  /**
   * Checks the signature and the claims that `options` name. A claim that is null counts as absent.
   * @throws JOSEError for a token that is not to be believed; any other Error when the keys cannot be had just now
   */
  verify(token: string, kind: TokenKind, options: JWTVerifyOptions & { algorithms: string[] }): Promise<VerifiedToken>
}

interface Deps {
  url: string
  fetch: Outbound['fetch']
  clock: Clock
}

/**
 * How soon keys are fetched again, after a success and after a failure. What a stranger can cause is the slower one
 * (OI-10).
 */
const WAIT_MS: Record<TokenKind, { fetched: number; failed: number }> = {
  id_token: { fetched: SECOND, failed: SECOND },
  logout_token: { fetched: 10 * SECOND, failed: 5 * SECOND },
}
/** Keys older than this are fetched again before they are used: one may have been withdrawn. */
const FRESH_MS = 10 * MINUTE
/** A token without `kid` is tried with each key that fits, and no provider has more than a few. */
const KEYS_MAX = 50

export function createProviderKeys({ url, fetch, clock }: Deps): ProviderKeys {
  let known: { set: JSONWebKeySet; at: SteadyMs } | null = null
  let failed: { error: unknown; at: SteadyMs } | null = null
  let underWay: Promise<JSONWebKeySet> | null = null
  const age = (at: SteadyMs) => clock.now().steady - at

  async function ask(): Promise<JSONWebKeySet> {
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

  function askOnce(kind: TokenKind): Promise<JSONWebKeySet> {
    if (underWay !== null) return underWay
    // Whoever asks again so soon is told what the last attempt was told.
    if (failed !== null && age(failed.at) < WAIT_MS[kind].failed) return Promise.reject(failed.error as Error)
    underWay = ask().finally(() => {
      underWay = null
    })
    return underWay
  }

  return {
    async verify(token, kind, options) {
      const usable = known !== null && age(known.at) < FRESH_MS ? known.set : null
      const set = usable ?? (await askOnce(kind))
      try {
        return await verifyWith(set, token, kind, options)
      } catch (error) {
        // The provider may have begun to sign with a key that it has just published, perhaps under an id that it used
        // before.
        const isKeyInDoubt =
          error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
        if (!isKeyInDoubt) throw error
        const newer = known !== null && known.set !== set ? known.set : null
        if (newer === null && known !== null && age(known.at) < WAIT_MS[kind].fetched) throw error
        return verifyWith(newer ?? (await askOnce(kind)), token, kind, options)
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
  // The library checks claims and signature together, and takes null for a claim of the wrong type: so claims are
  // checked apart.
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

/** A media type without the `application/` that goes without saying (RFC 7515 §4.1.9). */
function typeOf({ typ }: CompactJWSHeaderParameters): string | null {
  if (typ === undefined || typ === null) return null
  if (typeof typ !== 'string') throw new errors.JWTInvalid('the type is not a string')
  return typ.toLowerCase().replace(/^application\//, '')
}

/** Without nulls, and with numbers that JSON can carry on: it reads `1e999`, and would write null for it. */
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
  // A provider in trouble has not answered wrongly.
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
