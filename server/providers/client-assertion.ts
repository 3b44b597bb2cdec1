import type { KeyObject } from 'node:crypto'
import type * as openid from 'openid-client'
import type { ClientKey } from '../config/client-key.ts'
import { SetUpError, UnfitKey } from './set-up-error.ts'

/** Authenticates the client by a signed assertion (RFC 7523 §2.2) with an algorithm that the provider accepts. */
export function privateKeyJwt(lib: typeof openid, key: ClientKey | null): openid.ClientAuth {
  // The configuration guarantees a key for this method.
  if (key === null) throw new SetUpError('there is no private key')
  const signers = new Map<string, Promise<openid.ClientAuth>>()
  return async (server, client, body, headers) => {
    const listed = server.token_endpoint_auth_signing_alg_values_supported
    const alg = chooseAlgorithm(key, listed)
    if (alg === null) throw new UnfitKey(unfit(key, listed))
    const signer = signers.get(alg) ?? signerOf(lib, key, alg)
    signers.set(alg, signer)
    await (
      await signer
    )(server, client, body, headers)
  }
}

async function signerOf(lib: typeof openid, { key, kid }: ClientKey, alg: string): Promise<openid.ClientAuth> {
  const { importPKCS8 } = await import('jose')
  const imported = await importPKCS8(pem(key), alg)
  // The key id lets a provider with several of our keys pick the right one.
  return lib.PrivateKeyJwt(
    { key: imported, ...(kid === null ? {} : { kid }) },
    {
      // The same algorithm has two names: Ed25519 (RFC 9864), and EdDSA (RFC 8037), which most providers expect.
      [lib.modifyAssertion]: header => void (header['alg'] = alg),
    },
  )
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/**
 * @param listed the algorithms for client assertions in the provider's metadata; ignored unless a list
 * @returns null if the key supports none of them
 */
export function chooseAlgorithm({ alg, canDo }: Pick<ClientKey, 'alg' | 'canDo'>, listed: unknown): string | null {
  if (alg !== null) return alg
  if (!Array.isArray(listed) || listed.length === 0) return canDo[0] ?? null
  return canDo.find(candidate => listed.includes(candidate)) ?? null
}

/** Why no algorithm matches, for the operator. */
export function unfit({ canDo }: Pick<ClientKey, 'canDo'>, listed: unknown): string {
  return `the private key supports none of the provider's algorithms: it supports ${canDo.join(', ')}; the provider lists ${[listed].flat().map(String).join(', ')}`
}
