import type { JWK } from 'jose'
import type * as openid from 'openid-client'
import type { UnixMs } from '../base/clock.ts'
import type { Provider } from '../config/provider-config.ts'
import type { Role } from '../contract/wire.ts'
import type { ProviderKeys } from './provider-keys.ts'

/** What a provider's token endpoint gave. Stays on the server. */
export interface ProviderTokens {
  accessToken: string
  refreshToken: string | null
  idToken: string | null
  tokenType: 'Bearer' | 'DPoP'
  scope: string | null
  /** null: the provider did not say. */
  accessEndsAt: UnixMs | null
  /** The private key that the tokens are bound to (RFC 9449); null: to none. */
  dpopKey: JWK | null
}

/** Who a provider says it is. */
export interface ProviderProfile {
  provider: string
  issuer: string
  subject: string
  email: string | null
  emailVerified: boolean
  name: string | null
  /** What the person types to sign in there; null: that is nobody's business here. */
  label: string | null
  /** null: no mapping is configured. Empty: the mapping lets this person in as nothing. */
  roles: Role[] | null
  authTime: UnixMs | null
  amr: string[]
  /** The provider's own session (`sid`). */
  providerSid: string | null
}

/** What a sign-in at a provider is for. The account that it is to end at is fixed when it begins. */
export type Purpose =
  | { kind: 'sign_in'; remember: boolean; invite: string | null }
  | { kind: 'link'; userId: string; sessionId: string }
  | { kind: 'reauthenticate'; userId: string; sessionId: string }

export interface Beginning {
  purpose: Purpose
  returnTo: string
  /** How long the transaction cookie's value may be, in bytes. */
  room: number
  /** Where the browser's calls come from: what counts as one client. */
  network: string
}

export interface Callback {
  /** Its raw query. */
  search: string
  /** The transaction cookie that its `state` names, or null. */
  sealed: string | null
  network: string
}

/** A sign-in that is under way. */
export interface Begun {
  /** Where the browser goes: an address of the provider. */
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
  /** Uses up the transaction, then trades the code for tokens and checks everything about them.
   * @throws Problem `not_found`, `login_expired`, `provider_refused`, `provider_answer_invalid`,
   * `provider_unavailable`, `busy`,
   * `slow_down`: after the last two the transaction is still good */
  finish(id: string, callback: Callback): Promise<Finished>
  /**
   * The provider as openid-client knows it, for what else is asked of it.
   * @throws Problem `not_found`, `provider_unavailable`
   */
  client(id: string): Promise<ProviderClient>
  /**
   * Where a sign-in was to end, for a browser that is signed in though its transaction is over. null: nobody can tell
   */
  returnTo(search: string, sealed: string | null): Promise<string | null>
  close(): Promise<void>
}

/** openid-client with one provider's metadata, our credentials there and our own way of calling out. */
export interface ProviderClient {
  provider: Provider
  /** Loaded only where a provider is configured. */
  openid: typeof openid
  configuration: openid.Configuration
  /** null: it signs nothing. */
  keys: ProviderKeys | null
  /** What its ID and logout tokens may be signed with: never `none`, and nothing symmetric. */
  algorithms: string[]
}
