import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Secret } from '../base/secret.ts'

/** A private key that authenticates this site to a provider. */
export interface ClientKey {
  key: KeyObject
  kid: string | null
  /** The algorithm named in the JWK; null: any that the key supports. */
  alg: string | null
  /**
   * The algorithms that the key supports, the most widely supported first.
   * @see RFC 7518 §3.1 · RFC 8037 · RFC 9864
   */
  canDo: readonly string[]
}

const OF_CURVE: Record<string, readonly string[]> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
}
const RSA = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']

/**
 * @param text a private key in PEM (PKCS #8) or as a JWK
 * @returns null if it is not a usable private key
 */
export function readClientKey(text: Secret): ClientKey | null {
  try {
    const found = text.reveal().trim()
    const jwk = found.startsWith('{') ? (JSON.parse(found) as Record<string, unknown>) : null
    const key = jwk === null ? createPrivateKey(found) : createPrivateKey({ key: jwk, format: 'jwk' })
    const canDo = algorithmsOf(key)
    if (canDo.length === 0) return null
    return {
      key,
      canDo,
      kid: typeof jwk?.['kid'] === 'string' ? jwk['kid'] : null,
      alg: typeof jwk?.['alg'] === 'string' ? jwk['alg'] : null,
    }
  } catch {
    return null
  }
}

function algorithmsOf({
  asymmetricKeyType,
  asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {},
}: KeyObject): readonly string[] {
  if (asymmetricKeyType === 'rsa') return modulusLength >= 2048 ? RSA : []
  if (asymmetricKeyType === 'ec') return OF_CURVE[namedCurve] ?? []
  return asymmetricKeyType === 'ed25519' ? ['EdDSA', 'Ed25519'] : []
}
