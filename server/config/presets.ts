import type { ClientAuth, UserInfoFields } from './provider-config.ts'

/** Known facts about a provider, so that operators need not look them up. Data only: configured values win. */
export interface Preset {
  kind: 'oidc' | 'oauth2'
  name: string
  icon: string
  /** null: specific to each installation, so it has to be configured. */
  issuer: string | null
  authorizationEndpoint?: string
  tokenEndpoint?: string
  userInfoEndpoint?: string
  emailsEndpoint?: string
  fields?: UserInfoFields
  /** Set if it accepts a client secret in one form only. */
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
  /** `issuer`: https://login.microsoftonline.com/TENANT-ID/v2.0 · it does not report whether an address is verified, so none is stored. */
  entra: { kind: 'oidc', name: 'Microsoft', icon: 'microsoft', issuer: null, scopes: OIDC_SCOPES },
  google: { kind: 'oidc', name: 'Google', icon: 'google', issuer: 'https://accounts.google.com', scopes: OIDC_SCOPES },
  github: {
    kind: 'oauth2',
    name: 'GitHub',
    icon: 'github',
    // The issuer in its authorization responses (RFC 9207).
    issuer: 'https://github.com/login/oauth',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    userInfoEndpoint: 'https://api.github.com/user',
    // The profile has whichever address its owner made public; verified ones are listed separately.
    emailsEndpoint: 'https://api.github.com/user/emails',
    fields: { subject: 'id', name: 'name', email: null, emailVerified: null },
    clientAuth: 'client_secret_post',
    scopes: ['read:user', 'user:email'],
  },
} as const satisfies Record<string, Preset>

export const PRESET_NAMES = Object.keys(PRESETS) as [keyof typeof PRESETS, ...(keyof typeof PRESETS)[]]
