import type { Secret } from '../base/secret.ts'
import type { Acr } from '../contract/acr.ts'
import type { Role } from '../contract/wire.ts'
import type { TokenHeader } from './token-header.ts'

/** The `typ` of our tokens: RFC 9068 §2.1's own, or the plain one for libraries that accept no other. */
export const TOKEN_TYPES = ['at+jwt', 'JWT'] as const
/** What the `Host` header names: the upstream's address, or this site for tools that compare it with `Origin`. */
export const HOSTS = ['target', 'public'] as const

/** What our tokens may say about the person besides `sub` and `roles` (OIDC Core §5.1). */
export const CLAIMS = ['name', 'email', 'email_verified', 'locale'] as const
export type Claim = (typeof CLAIMS)[number]

export const TOKENS = ['porchlight', 'provider', 'exchange', 'none'] as const

/** What TLS connections to an upstream use, as PEM. */
export interface UpstreamTls {
  /** The only CAs that are trusted for it; null: those that Node trusts. */
  ca: string | null
  /** What this site identifies itself with: a certificate with its chain, and its key; null: nothing. */
  client: { cert: string; key: Secret } | null
  /** Where the key was read from; null: from no file. */
  keyFile: string | null
}

/** An API or app that requests are relayed to, with every default filled in. */
export interface Upstream {
  /** Lower-case letters, digits and dashes; used in logs, and by default as the tokens' audience and in the prefix. */
  name: string
  /** Where the browser calls it: starts with `/`, without a trailing one, e.g. `/api/orders`. */
  prefix: string
  /** Its address: the origin only comes from here, never from a request. */
  target: { origin: string; basePath: string }
  /** null: Node's defaults. */
  tls: UpstreamTls | null
  /** `porchlight`: our JWT for this upstream · `provider`: the user's own token from a provider · `exchange`: that token exchanged at the provider for one for this upstream (RFC 8693) · `none`: no token. */
  token: (typeof TOKENS)[number]
  /** The provider of the token; null unless it takes a provider's. */
  provider: string | null
  /** The `aud` of its tokens. */
  audience: string
  scopes: string[]
  tokenType: (typeof TOKEN_TYPES)[number]
  /** Personal data that its tokens carry; empty: none. */
  claims: readonly Claim[]
  /** null: `Authorization`, with the token's own scheme. */
  tokenHeader: TokenHeader | null
  /** Upper case; null: any. */
  methods: string[] | null
  requires: { signedIn: boolean; roles: Role[]; maxAgeMs: number | null; acr: Acr | null }
  host: (typeof HOSTS)[number]
  /** Whether the prefix is removed before the path is appended to the target's. */
  strip: boolean
  /** `websocketIdleMs`: closes a WebSocket after this long without a byte in either direction. */
  timeouts: { connectMs: number; headersMs: number; idleMs: number; websocketIdleMs: number }
  /**
   * The maximum lifetime of a WebSocket or event stream, whose cookies are only checked when it opens. Infinite for a
   * front end to which everybody is anonymous.
   */
  streamMaxMs: number
  /** null: no limit. */
  maxBodyBytes: number | null
  maxHeaderBytes: number
  websocket: boolean
  /** Its responses may be pages that run scripts on this origin: only for an upstream trusted like the site itself. */
  document: boolean
  /** Forwards cookies other than ours, in both directions. */
  cookies: boolean
  /** Allows `%2f`, `%5c`, `%25`, `;` and `//` after the prefix. */
  encodedPaths: boolean
  /** Additional request headers that are never forwarded: whole names in any case, with `_` equal to `-`. */
  dropHeaders: string[]
  /** Origins that a `Location` may point to besides the target and the site itself. */
  redirectOrigins: string[]
  title: string
  description: string
  icon: string | null
  /** The page to open: a path of this site or another address; null: it is for programs only. */
  page: string | null
}

/** Whether its answers depend on who calls: it is told so by a token, or is only for some. */
export function knowsCallers({ token, requires }: Pick<Upstream, 'token' | 'requires'>): boolean {
  return token !== 'none' || isRestricted(requires)
}

/** Whether it is only for some: anonymous requests never reach it. */
export function isRestricted({ signedIn, roles, maxAgeMs, acr }: Upstream['requires']): boolean {
  return signedIn || roles.length > 0 || maxAgeMs !== null || acr !== null
}
