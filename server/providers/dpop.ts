import { importJWK, type JWK, SignJWT } from 'jose'
import { SECOND, type UnixMs } from '../base/clock.ts'
import { randomId, sha256 } from '../base/ids.ts'
import type { CryptoKeyPair, DPoPOptions } from 'openid-client'
import type { ProviderClient, ProviderTokens } from './types.ts'

export interface Proven {
  method: string
  /** The request's URL; its query and fragment are not part of the proof. */
  url: string
  accessToken: string
  /** The server's latest nonce; null: none. */
  nonce: string | null
  now: UnixMs
}

const imported = new WeakMap<JWK, ReturnType<typeof importJWK>>()

/**
 * Proves possession of the key that an access token is bound to, for one method and URL.
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

/** The public members that identify an EC key (RFC 7638 §3.2), without others such as `key_ops`. */
function publicPart({ kty, crv, x, y }: JWK): JWK {
  return { kty, crv, x, y } as JWK
}

/** DPoP options for another call with tokens bound to this key. null: the tokens are not bound */
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
