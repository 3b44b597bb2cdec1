import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type { Configuration, JWKS } from 'oidc-provider'
import { errorPage, logoutPage, type ProviderPerson, signedOutPage } from './provider-pages.ts'
import type { ProviderStore } from './provider-store.ts'

export interface ProviderOptions {
  /** A free one unless said otherwise. */
  port?: number
  people?: ProviderPerson[]
  /** Lives in seconds. */
  accessSeconds?: number
  refreshSeconds?: number
  /** Whether a refresh token is traded for a new one at each use. True unless said otherwise. */
  rotates?: boolean
  /** Whether pushed authorization requests are offered (RFC 9126). True unless said otherwise. */
  par?: boolean
  /** Whether a DPoP proof needs a nonce of this provider (RFC 9449 §8). */
  dpopNonce?: boolean
  /** Whether the claims of a person are in the ID token, or in the user-info answer alone. */
  claimsInIdToken?: boolean
  /** For whom a token may be exchanged (RFC 8693). */
  audiences?: string[]
}

interface Parts {
  keys: JWKS
  store: ProviderStore
  people: readonly ProviderPerson[]
  secrets: { cookies: string; nonce: Buffer }
  port: number
  accessSeconds: () => number
  fetch: NonNullable<Configuration['fetch']>
}

/** oidc-provider's configuration for `options`. */
export function configure(
  options: ProviderOptions,
  { keys, store, people, secrets, port, accessSeconds, fetch }: Parts,
): Configuration {
  const { refreshSeconds = 3600, rotates = true, par = true, dpopNonce = false, claimsInIdToken = false } = options
  // Cookies know no ports: two providers on one host would lose each other's.
  const cookie = (name: string) => `provider-${port}-${name}`
  return {
    adapter: store.adapter,
    jwks: keys,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
    claims: {
      openid: ['sub', 'amr', 'auth_time'],
      email: ['email', 'email_verified'],
      profile: ['name'],
      groups: ['groups'],
    },
    conformIdTokenClaims: !claimsInIdToken,
    cookies: {
      keys: [secrets.cookies],
      names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') },
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      dPoP: { enabled: true, nonceSecret: secrets.nonce, requireNonce: () => dpopNonce },
      introspection: { enabled: true, allowedPolicy: () => true },
      pushedAuthorizationRequests: { enabled: par },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => void (ctx.body = logoutPage(form)),
        postLogoutSuccessSource: ctx => void (ctx.body = signedOutPage()),
      },
    },
    fetch,
    findAccount: (_ctx, sub) => {
      const person = people.find(({ login }) => login === sub)
      return person ? { accountId: sub, claims: () => ({ sub, ...person.claims }) } : undefined
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    // A web application's server keeps the refresh token safe: it gets one without asking for offline_access.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    renderError: (ctx, out) => void Object.assign(ctx, { type: 'html', body: errorPage(out) }),
    rotateRefreshToken: () => rotates,
    // The proof of who a client is names the provider and nobody else (RFC 7523bis; OA-19).
    assertJwtClientAuthClaimsAndHeader: (ctx, { aud }) => {
      if (aud !== ctx.oidc.issuer) throw new Error(`the assertion is for ${JSON.stringify(aud)}`)
    },
    ttl: {
      AccessToken: accessSeconds,
      IdToken: 3600,
      RefreshToken: refreshSeconds,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 600,
    },
  }
}

/** One key for each algorithm that clients may ask for. */
export async function newKeys(): Promise<JWKS> {
  const keys = await Promise.all(
    ['RS256', 'ES256'].map(async alg => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true })
      return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomBytes(6).toString('hex') }
    }),
  )
  return { keys } as JWKS
}
