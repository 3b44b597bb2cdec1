import type { Role } from '../contract/wire.ts'

export const TOKENS = ['porchlight', 'provider', 'exchange', 'none'] as const

/** An API (or app) behind us, with every default filled in. */
export interface Upstream {
  /** Lower-case letters, digits and dashes: in logs, in tokens' audience by default, in the prefix by default. */
  name: string
  /** Where the browser calls it: begins with `/`, ends without one, e.g. `/api/orders`. */
  prefix: string
  /** Where it is: the origin comes from here alone, never from a request. */
  target: { origin: string; basePath: string }
  /** `porchlight`: our JWT for this upstream · `provider`: the person's own token of a provider ·
   * `exchange`: one that the provider makes of it for this upstream (RFC 8693) · `none`: nothing is attached. */
  token: (typeof TOKENS)[number]
  /** Whose token, where it is a provider's; null elsewhere. */
  provider: string | null
  /** The `aud` of its tokens. */
  audience: string
  scopes: string[]
  /** Upper case; null: any. */
  methods: string[] | null
  requires: { signedIn: boolean; roles: Role[]; maxAgeMs: number | null }
  /** Whether the prefix is taken off before the path is appended to the target's. */
  strip: boolean
  /** `websocketIdleMs`: a WebSocket without a byte either way is closed after this. */
  timeouts: { connectMs: number; headersMs: number; idleMs: number; websocketIdleMs: number }
  /**
   * How long a WebSocket or an event stream lives: its cookies were looked at once. Infinite for a front end, which
   * knows of nobody.
   */
  streamMaxMs: number
  /** null: no limit. */
  maxBodyBytes: number | null
  maxHeaderBytes: number
  websocket: boolean
  /** Its answers are pages of its own that may run scripts here: only for an upstream trusted like the site itself. */
  document: boolean
  /** Passes other cookies than ours, both ways. */
  cookies: boolean
  /** Allows `%2f`, `%5c`, `%25`, `;` and `//` behind the prefix. */
  encodedPaths: boolean
  /** Further request headers that never reach it: whole names in any case, `_` as `-`. */
  dropHeaders: string[]
  /** Origins that a `Location` may point to besides the target and the site itself. */
  redirectOrigins: string[]
  title: string
  description: string
  icon: string | null
  /** Where people open it: a path of this site or another address; null: it is for programs. */
  page: string | null
}
