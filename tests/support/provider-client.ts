import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type { ClientMetadata } from 'oidc-provider'
import { TOKEN_EXCHANGE } from './provider-exchange.ts'

/** A provider's registration of one site: what its administrator writes into our configuration. */
export interface RegisteredClient {
  clientId: string
  clientSecret?: string
  privateKey?: string
  clientAuth: ClientAuth
}
export type ClientAuth = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

export interface ClientOptions {
  /** The site's origin, and the id it gives this provider. */
  site: string
  as: string
  auth?: ClientAuth
  /** Preset, for a configuration that is written down somewhere; at random otherwise. */
  clientId?: string
  clientSecret?: string
  /**
   * More of its metadata (OIDC Registration §2): `dpop_bound_access_tokens`, `require_pushed_authorization_requests`.
   */
  metadata?: Partial<ClientMetadata>
}

/** A site as the provider knows it, and as the site knows itself. */
export async function registration({
  site,
  as,
  auth = 'client_secret_basic',
  metadata,
  ...preset
}: ClientOptions): Promise<{ metadata: ClientMetadata; registered: RegisteredClient }> {
  const clientId = preset.clientId ?? `site-${randomBytes(6).toString('hex')}`
  const clientSecret = preset.clientSecret ?? randomBytes(24).toString('hex')
  const pair = auth === 'private_key_jwt' ? await generateKeyPair('ES256', { extractable: true }) : null
  return {
    registered: {
      clientId,
      clientAuth: auth,
      ...(auth.startsWith('client_secret') ? { clientSecret } : {}),
      ...(pair ? { privateKey: JSON.stringify(await exportJWK(pair.privateKey)) } : {}),
    },
    metadata: {
      client_id: clientId,
      redirect_uris: [`${site}/auth/callback/${as}`],
      post_logout_redirect_uris: [`${site}/auth/logout/${as}`],
      backchannel_logout_uri: `${site}/auth/backchannel/${as}`,
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
      response_types: ['code'],
      token_endpoint_auth_method: auth,
      ...(auth.startsWith('client_secret') ? { client_secret: clientSecret } : {}),
      ...(pair ? { jwks: { keys: [await exportJWK(pair.publicKey)] } } : {}),
      ...metadata,
    } as ClientMetadata,
  }
}
