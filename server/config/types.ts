import type { Provider } from './provider-config.ts'
import type { Site } from './site-settings.ts'
import type { TokenApi } from './token-api-settings.ts'
import type { Upstream } from './upstream-config.ts'
import type { Secret } from '../base/secret.ts'
import type { LogLevel } from '../base/log.ts'
import type { Registration } from '../contract/wire.ts'

/** The whole configuration, read once at start. Everything is checked; nothing is optional. */
export interface Config {
  /** scheme://host[:port], nothing after it. Links, cookies and the same-origin rule come from here alone. */
  publicUrl: string
  /** Whether the public URL is this machine itself. */
  loopback: boolean
  /** Addresses to listen on. */
  hosts: string[]
  port: number
  dataDir: string
  /**
   * Whether cookies are `Secure` and carry their prefixes. False only for plain http on loopback, or by
   * `insecureHttp`.
   */
  secureCookies: boolean
  accessMs: number
  /** Idle end of a remembered session. */
  idleMs: number
  /** Idle end of a session that lives with the browser. */
  browserIdleMs: number
  absoluteMs: number
  confirmMs: number
  graceMs: number
  keys: KeySource
  /** Where the keys that sign upstream tokens live; null: in the key file. */
  signingKeys: KeySource | null
  passwordMinLength: number
  setupCode: Secret | null
  registration: Registration
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed. */
  trustedProxies: string[]
  logLevel: LogLevel
  /** Loopback port for Prometheus; null: none. */
  metricsPort: number | null
  /** Where weaknesses are to be reported, for security.txt; null: there is none. */
  securityContact: string | null
  /** The APIs behind us; none: the sample takes their place on a loopback public URL. */
  upstreams: Upstream[]
  /** Other places where people have accounts that sign them in here. */
  providers: Provider[]
  /** The API whose accounts sign people in, in the place of passwords of our own; null: ours do. */
  tokenApi: TokenApi | null
  /** Whose pages people see. */
  site: Site
  /** How long a WebSocket or an event stream lives, unless its upstream says otherwise. */
  streamMaxMs: number
  streamLimits: { perSession: number; perNetwork: number }
  /** Living sessions of one person. */
  maxSessions: number
  /** How often people who came by a provider are looked at again there; 0: only at sign-ins. */
  recheckMs: number
  upstreamTokenMs: number
  upstreamTokenAlg: 'ES256' | 'RS256' | 'Ed25519'
  /** How long upstreams may keep our public keys; a new key is published twice as long before it signs. */
  jwksMaxAgeMs: number
  /** How old a signing key gets before the next one is made. */
  signingRotationMs: number
}

/**
 * Where keys live: a file that we may write, or content given by a setting that we may not, perhaps `readFrom` a file
 * (…_FILE).
 */
export type KeySource = { file: string } | { content: Secret; readFrom?: string }
