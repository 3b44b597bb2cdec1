import { importJWK, type JWK, SignJWT } from 'jose'
import { SECOND, type UnixMs } from '../base/clock.ts'
import { randomId, sha256 } from '../base/ids.ts'
import type { CryptoKeyPair, DPoPOptions } from 'openid-client'
import type { ProviderClient, ProviderTokens } from './types.ts'

export interface Proven {
  method: string
  /** Where the request goes; query and fragment are not part of what is proven. */
  url: string
  accessToken: string
  /** What the server asked to see in it, last; null: nothing. */
  nonce: string | null
  now: UnixMs
}

const imported = new WeakMap<JWK, ReturnType<typeof importJWK>>()

/**
 * Proof that whoever sends an access token also holds the key that it is bound to: for one method and one address.
 * @see RFC 9449 §4.2
 */
export async function dpopProof(key: JWK, { method, url, accessToken, nonce, now }: Proven): Promise<string> {
  let signing = imported.get(key)
  if (signing === undefined) {
    signing = importJWK(key, 'ES256')
    imported.set(key, signing)
  }
  return new SignJWT({
    jti: randomId(),
    htm: method,
    htu: url.split(/[?#]/, 1)[0] ?? url,
    iat: Math.floor(now / SECOND),
    ath: sha256(accessToken),
    ...(nonce === null ? {} : { nonce }),
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: publicPart(key) })
    .sign(await signing)
}

/** What others may see of an EC key: what it is for stays out, since a proof names only the key (RFC 7638 §3.2). */
function publicPart({ kty, crv, x, y }: JWK): JWK {
  return { kty, crv, x, y } as JWK
}

/** For another call with tokens that are bound to this key. null: they are bound to none */
export async function dpopOption(
  { openid, configuration }: ProviderClient,
  key: ProviderTokens['dpopKey'],
): Promise<DPoPOptions> {
  if (key === null) return {}
  const [privateKey, publicKey] = await Promise.all([
    importJWK(key, 'ES256'),
    importJWK(publicPart(key), 'ES256', { extractable: true }),
  ])
  return { DPoP: openid.getDPoPHandle(configuration, { privateKey, publicKey } as CryptoKeyPair) }
}
