import type { Secret } from '../base/secret.ts'
import type { Registration } from '../contract/wire.ts'
import type { RoleMapping } from './role-mapping.ts'

/** How the client authenticates to a token endpoint (OIDC Core §9). */
export const CLIENT_AUTHS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export type ClientAuth = (typeof CLIENT_AUTHS)[number]

/**
 * Algorithms accepted for ID tokens: never `none`, and nothing symmetric.
 * @see RFC 7518 §3.1 · RFC 8037 · RFC 9864
 */
export const SIGNATURE_ALGS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export type SignatureAlg = (typeof SIGNATURE_ALGS)[number]

/** An identity provider, with every default filled in. */
export interface Provider {
  /** Used in our paths and in the log. */
  id: string
  /** `oidc`: configured by discovery, identifies users by ID token · `oauth2`: configured endpoints, identifies users by user-info. */
  kind: 'oidc' | 'oauth2'
  name: string
  icon: string
  /** `trust`: nobody is asked here for a second factor after a sign-in there, and two factors there count here. */
  secondFactor: 'ask' | 'trust'
  /**
   * Exactly as the provider spells it (OIDC Discovery §4.3). For an `oauth2` provider, a name that scopes its subjects.
   */
  issuer: string
  /** Earlier issuers of the same provider: accounts linked under these continue under the current one. */
  formerIssuers: string[]
  /** null: from discovery. */
  endpoints: Endpoints | null
  /** Which members of the user-info response to use, as dotted paths. Only for `oauth2` providers. */
  fields: UserInfoFields
  /** Whether to call an `oidc` provider's user-info endpoint in addition to reading the ID token. */
  userInfo: boolean
  clientId: string
  clientSecret: Secret | null
  /** A private key in PEM (PKCS #8) or as a JWK. */
  privateKey: Secret | null
  clientAuth: ClientAuth
  scopes: string[]
  /** Whether its tokens are bound to a key of ours (DPoP, RFC 9449). */
  dpop: boolean
  /** Additional parameters of the authorization request. */
  parameters: Record<string, string>
  /** null: roles are assigned here. */
  roles: RoleMapping | null
  /** Who may create an account through it; null: as the setting `registration` says. */
  register: Registration | null
  /** What happens after a sign-out here: offer a link to sign out there · always sign out there · nothing. */
  logout: 'link' | 'always' | 'never'
  /**
   * How often its users are rechecked while their sessions are active; 0: only when they sign in. null: as the setting
   * `recheckSeconds` says.
   */
  recheckMs: number | null
  /** The only algorithm accepted for its ID and logout tokens; null: those that its metadata announces. */
  idTokenAlg: SignatureAlg | null
  /** The maximum clock difference to the provider, in seconds. */
  clockToleranceSeconds: number
}

export interface Endpoints {
  authorization: string
  token: string
  userInfo: string
  /** The endpoint that lists verified addresses, as GitHub has; null: none. */
  emails: string | null
  /** null: it does not support revocation. */
  revocation: string | null
}

export interface UserInfoFields {
  subject: string
  name: string | null
  email: string | null
  emailVerified: string | null
}
