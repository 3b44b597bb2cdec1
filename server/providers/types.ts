import type { JWK } from 'jose'
import type * as openid from 'openid-client'
import type { UnixMs } from '../base/clock.ts'
import type { Provider } from '../config/provider-config.ts'
import type { Role } from '../contract/wire.ts'
import type { ProviderKeys } from './provider-keys.ts'

/** The tokens issued by a provider's token endpoint. They stay on the server. */
export interface ProviderTokens {
  accessToken: string
  refreshToken: string | null
  idToken: string | null
  tokenType: 'Bearer' | 'DPoP'
  scope: string | null
  /** null: the provider did not report it. */
  accessEndsAt: UnixMs | null
  /** The private key that the tokens are bound to (RFC 9449); null: not bound. */
  dpopKey: JWK | null
}

/** A user as identified by a provider. */
export interface ProviderProfile {
  provider: string
  issuer: string
  subject: string
  email: string | null
  emailVerified: boolean
  name: string | null
  /** The name that the user types to sign in there; null: unknown to us. */
  label: string | null
  /** null: no mapping is configured. Empty: the mapping does not admit this user. */
  roles: Role[] | null
  authTime: UnixMs | null
  amr: string[]
  /** The provider's own session id (`sid`). */
  providerSid: string | null
}

/** The purpose of a sign-in at a provider. The account that it must lead to is fixed when it begins. */
export type Purpose =
  | { kind: 'sign_in'; remember: boolean; invite: string | null }
  | { kind: 'link'; userId: string; sessionId: string }
  | { kind: 'reauthenticate'; userId: string; sessionId: string }

export interface Beginning {
  purpose: Purpose
  returnTo: string
  /** The maximum length of the transaction cookie's value, in bytes. */
  maxBytes: number
  /** The client's network, which limits are counted by. */
  network: string
}

export interface Callback {
  /** The raw query. */
  search: string
  /** The transaction cookie named by its `state`, or null. */
  sealed: string | null
  network: string
}

/** A sign-in that has begun. */
export interface Begun {
  /** Where the browser goes: a URL of the provider. */
  href: string
  /** Names the transaction cookie. */
  id: string
  /** The transaction cookie's value. */
  sealed: string
}

export interface Finished {
  person: ProviderProfile
  tokens: ProviderTokens
  purpose: Purpose
  returnTo: string
}

export interface ProviderSummary {
  id: string
  name: string
  icon: string
  kind: Provider['kind']
  available: boolean
}

export interface Providers {
  all(): ProviderSummary[]
  /** @throws Problem `not_found`, `provider_unavailable`, `busy`, `slow_down` */
  begin(id: string, how: Beginning): Promise<Begun>
  /**
   * Marks the transaction as used, then trades the code for tokens and validates them.
   * @throws Problem `not_found`, `login_expired`, `provider_refused`, `provider_answer_invalid`,
   * `provider_unavailable`, `busy`, `slow_down`: after the last two, the transaction can still be finished
   */
  finish(id: string, callback: Callback): Promise<Finished>
  /**
   * The provider's openid-client configuration, for other calls to it.
   * @throws Problem `not_found`, `provider_unavailable`
   */
  client(id: string): Promise<ProviderClient>
  /**
   * The destination of a sign-in, for a browser that is signed in although its transaction has expired. null: unknown
   */
  returnTo(search: string, sealed: string | null): Promise<string | null>
  close(): Promise<void>
}

/** openid-client with one provider's metadata, our client credentials and our own fetch. */
export interface ProviderClient {
  provider: Provider
  /** Only loaded if a provider is configured. */
  openid: typeof openid
  configuration: openid.Configuration
  /** null: it signs nothing. */
  keys: ProviderKeys | null
  /** Algorithms accepted for its ID and logout tokens: never `none`, and nothing symmetric. */
  algorithms: string[]
  now: () => UnixMs
}
