import type { Secret } from '../base/secret.ts'
import type { Registration } from '../contract/wire.ts'

/** How we show a token endpoint who we are (OIDC Core §9). */
export const CLIENT_AUTHS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export type ClientAuth = (typeof CLIENT_AUTHS)[number]

/**
 * What an ID token may be signed with: never `none`, and nothing symmetric.
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

/** Where people's accounts live elsewhere, with every default filled in. */
export interface Provider {
  /** In our paths and in the log. */
  id: string
  /**
   * `oidc`: found by discovery, says who it is by an ID token · `oauth2`: endpoints given by hand, asked by user-info.
   */
  kind: 'oidc' | 'oauth2'
  name: string
  icon: string
  /**
   * Exactly as the provider spells it (OIDC Discovery §4.3). Of an `oauth2` provider: a name for where subjects come
   * from.
   */
  issuer: string
  /** What it was called before: accounts that came by these go on with the one above. */
  formerIssuers: string[]
  /** null: from discovery. */
  endpoints: Endpoints | null
  /** Which members of the user-info answer mean what, as paths with dots. Of an `oauth2` provider only. */
  fields: UserInfoFields
  /** Whether an `oidc` provider's user-info is asked beside the ID token. */
  userInfo: boolean
  clientId: string
  clientSecret: Secret | null
  /** A private key in PEM (PKCS #8) or as a JWK. */
  privateKey: Secret | null
  clientAuth: ClientAuth
  scopes: string[]
  /** Whether its tokens are bound to a key of ours (RFC 9449). */
  dpop: boolean
  /** Further parameters of the authorization request. */
  parameters: Record<string, string>
  /**
   * Which values of which claim make an administrator, and which let in at all (null: everybody). null: roles are given
   * here.
   */
  roles: { claim: string; admin: string[]; user: string[] | null } | null
  /** Who may make an account by it; null: as the setting `registration` says. */
  register: Registration | null
  /** What follows a sign-out here: a link to sign out there, too · always go there · nothing. */
  logout: 'link' | 'always' | 'never'
  /**
   * How often its people are looked at again while their sessions live; 0: only at sign-ins. null: as the setting
   * `recheckSeconds` says.
   */
  recheckMs: number | null
  /**
   * What its ID and logout tokens are signed with, and with nothing else; null: with what it says that it signs with.
   */
  idTokenAlg: SignatureAlg | null
  /** How far its clock may be from ours. */
  clockToleranceSeconds: number
}

export interface Endpoints {
  authorization: string
  token: string
  userInfo: string
  /** Where verified addresses are listed apart, as GitHub does; null: nowhere. */
  emails: string | null
  /** null: it takes no token back. */
  revocation: string | null
}

export interface UserInfoFields {
  subject: string
  name: string | null
  email: string | null
  emailVerified: string | null
}
