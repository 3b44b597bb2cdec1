import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import * as v from 'valibot'
import type { UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import { UPSTREAM_TOKEN_ALGS } from '../config/settings.ts'

/** RFC 7518 §3.1, RFC 9864 §2.2 */
export type SigningAlg = (typeof UPSTREAM_TOKEN_ALGS)[number]

/** One key pair, which signs with exactly one algorithm (RFC 8725 §3.1). */
export interface SigningKey {
  /** The `kid` of its tokens. */
  id: string
  alg: SigningAlg
  privateKey: Secret<KeyObject>
  /** Published from this time on. */
  createdAt: UnixMs
  /** Signs from this time until the next key does. Fixed at creation, by the max-age that responses had until then. */
  signsAt: UnixMs
}

/**
 * A public key as upstreams fetch it.
 * @see RFC 7517 §4
 */
export interface PublicJwk extends JsonWebKey {
  kid: string
  use: 'sig'
  alg: SigningAlg
}

const RSA_BITS = 3072

/** Generating an RSA pair blocks the process for up to a second; the others are negligible. */
export function newSigningKey(alg: SigningAlg, times: { createdAt: UnixMs; signsAt: UnixMs }): SigningKey {
  return { id: randomId(9), alg, privateKey: new Secret(generate(alg)), ...times }
}

function generate(alg: SigningAlg): KeyObject {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: RSA_BITS }).privateKey
    case 'Ed25519':
      return generateKeyPairSync('ed25519').privateKey
    default:
      return alg satisfies never
  }
}

function suits(alg: SigningAlg, { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  switch (alg) {
    case 'ES256':
      return type === 'ec' && details?.namedCurve === 'prime256v1'
    // RFC 7518 §3.3: shorter ones must not be used.
    case 'RS256':
      return type === 'rsa' && (details?.modulusLength ?? 0) >= 2048
    case 'Ed25519':
      return type === 'ed25519'
    default:
      return alg satisfies never
  }
}

/** Derived from the private key rather than copied from it, so that no private member can leak. */
export function publicJwk({ id, alg, privateKey }: SigningKey): PublicJwk {
  return { ...createPublicKey(privateKey.reveal()).export({ format: 'jwk' }), kid: id, use: 'sig', alg }
}

const Time = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/**
 * A signing key as stored in the key file: a private JWK. A key that cannot sign is rejected here rather than at the
 * first token.
 */
export const StoredSigningKey = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[\w-]{4,64}$/)),
    alg: v.picklist(UPSTREAM_TOKEN_ALGS),
    createdAt: Time,
    signsAt: Time,
    jwk: v.record(v.string(), v.string()),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }): SigningKey => {
    const { jwk, ...rest } = dataset.value
    const key = readPrivateKey(jwk)
    if (key === null || !suits(rest.alg, key)) addIssue({ message: 'Not a private key of its algorithm' })
    else if (!isWhole(rest.alg, key, jwk)) addIssue({ message: 'The key is damaged: what it signs does not verify' })
    else return { ...rest, privateKey: new Secret(key) }
    return NEVER
  }),
)

export function storedSigningKey({ privateKey, ...rest }: SigningKey): v.InferInput<typeof StoredSigningKey> {
  return { ...rest, jwk: privateKey.reveal().export({ format: 'jwk' }) as Record<string, string> }
}

/**
 * Whether the private members match the public ones: after a changed character, no upstream could verify the
 * signatures.
 */
function isWhole(alg: SigningAlg, key: KeyObject, jwk: Record<string, string>): boolean {
  try {
    if (!Object.entries(jwk).every(([member, value]) => member === 'kty' || member === 'crv' || isCanonical(value)))
      return false
    const publicKey = createPublicKey(key)
    const published = publicKey.export({ format: 'jwk' })
    if (!Object.entries(published).every(([member, value]) => jwk[member] === value)) return false
    const hash = alg === 'Ed25519' ? null : 'sha256'
    return verify(hash, PROBE, publicKey, sign(hash, PROBE, key)) && (alg !== 'RS256' || isRsaWhole(jwk))
  } catch {
    return false
  }
}

const PROBE = Buffer.from('a signature made to see whether the key still can')

/**
 * Checks the numbers themselves, because a signature by the Chinese remainder theorem does not use `d` and would not
 * reveal damage to it.
 * @see RFC 8017 §3.2
 */
function isRsaWhole(jwk: Record<string, string>): boolean {
  const number = (member: string) => BigInt(`0x${Buffer.from(jwk[member] ?? '', 'base64url').toString('hex')}`)
  const [n, e, d, p, q] = [number('n'), number('e'), number('d'), number('p'), number('q')]
  return (
    p * q === n &&
    [p, q].every(prime => (e * d) % (prime - 1n) === 1n) &&
    number('dp') === d % (p - 1n) &&
    number('dq') === d % (q - 1n) &&
    (number('qi') * q) % p === 1n
  )
}

/** Whether base64url text is canonical: some bits of the last character may be ignored. */
export function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

function readPrivateKey(jwk: JsonWebKey): KeyObject | null {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' })
  } catch {
    return null
  }
}
