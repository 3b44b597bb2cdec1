import type { ClientAuth, UserInfoFields } from './provider-config.ts'

/**
 * What is known of a provider, so that nobody has to look it up. Data only: whatever is written in the configuration
 * wins.
 */
export interface Preset {
  kind: 'oidc' | 'oauth2'
  name: string
  icon: string
  /** null: everybody has their own, and has to say which. */
  issuer: string | null
  authorizationEndpoint?: string
  tokenEndpoint?: string
  userInfoEndpoint?: string
  emailsEndpoint?: string
  fields?: UserInfoFields
  /** Where it takes a secret in one way only. */
  clientAuth?: ClientAuth
  scopes: string[]
}

const OIDC_SCOPES = ['openid', 'profile', 'email']

export const PRESETS = {
  /** `issuer`: https://HOST/realms/REALM */
  keycloak: { kind: 'oidc', name: 'Keycloak', icon: 'key-round', issuer: null, scopes: OIDC_SCOPES },
  /** `issuer`: https://HOST */
  authelia: { kind: 'oidc', name: 'Authelia', icon: 'shield-check', issuer: null, scopes: OIDC_SCOPES },
  /** `issuer`: https://HOST */
  'pocket-id': { kind: 'oidc', name: 'Pocket ID', icon: 'fingerprint', issuer: null, scopes: OIDC_SCOPES },
  /**
   * `issuer`: https://login.microsoftonline.com/TENANT-ID/v2.0 · it does not say whether an address is verified, so
   * none is kept.
   */
  entra: { kind: 'oidc', name: 'Microsoft', icon: 'microsoft', issuer: null, scopes: OIDC_SCOPES },
  google: { kind: 'oidc', name: 'Google', icon: 'google', issuer: 'https://accounts.google.com', scopes: OIDC_SCOPES },
  github: {
    kind: 'oauth2',
    name: 'GitHub',
    icon: 'github',
    // What its answers call themselves (RFC 9207).
    issuer: 'https://github.com/login/oauth',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    userInfoEndpoint: 'https://api.github.com/user',
    // The profile's address is whatever a person shows; the verified ones are listed apart.
    emailsEndpoint: 'https://api.github.com/user/emails',
    fields: { subject: 'id', name: 'name', email: null, emailVerified: null },
    clientAuth: 'client_secret_post',
    scopes: ['read:user', 'user:email'],
  },
} as const satisfies Record<string, Preset>

export const PRESET_NAMES = Object.keys(PRESETS) as [keyof typeof PRESETS, ...(keyof typeof PRESETS)[]]
