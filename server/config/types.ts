import type { Brand } from './brand-settings.ts'
import type { MailConfig } from './mail-settings.ts'
import type { Provider } from './provider-config.ts'
import type { Site } from './site-settings.ts'
import type { TokenApi } from './token-api-settings.ts'
import type { TracesConfig } from './traces-settings.ts'
import type { Upstream } from './upstream-config.ts'
import type { Secret } from '../base/secret.ts'
import type { LogLevel } from '../base/log.ts'
import type { Registration } from '../contract/wire.ts'

/** The whole configuration, read once at start. Validated, and without optional fields. */
export interface Config {
  /** scheme://host[:port] and nothing more. The only source for links, cookies and the same-origin rule. */
  publicUrl: string
  /** Whether the public URL is on loopback. */
  loopback: boolean
  /** Addresses to listen on. Empty: only on the unix socket. */
  hosts: string[]
  port: number
  /** The unix socket to listen on; null: none. */
  socket: UnixSocket | null
  dataDir: string
  /** How long a start waits for another process to release the data folder. */
  startWaitMs: number
  /**
   * Whether cookies are `Secure` and have their prefixes. False only for plain http on loopback, or with
   * `insecureHttp`.
   */
  secureCookies: boolean
  accessMs: number
  /** Idle timeout of a remembered session. */
  idleMs: number
  /** Idle timeout of a session that ends with the browser. */
  browserIdleMs: number
  absoluteMs: number
  confirmMs: number
  graceMs: number
  keys: KeySource
  /** Where the keys that sign upstream tokens are stored; null: in the key file. */
  signingKeys: KeySource | null
  passwordMinLength: number
  /** A range service that new passwords are looked up at; null: none is asked. */
  breachedPasswords: string | null
  /** How long a link lives: an invitation, and one for a new password. */
  linkLives: { inviteMs: number; resetMs: number }
  setupCode: Secret | null
  registration: Registration
  /** Of whom a second factor is required. */
  secondFactor: 'optional' | 'admins' | 'required'
  /** How long a device is not asked for it again, if its owner wishes so; 0: never. */
  rememberSecondFactorMs: number
  /** Addresses and CIDR ranges whose X-Forwarded-For is trusted. */
  trustedProxies: string[]
  /** Whether trusted proxies begin each connection with the PROXY protocol. */
  proxyProtocol: boolean
  logLevel: LogLevel
  /** Where Prometheus finds the metrics; null: metrics are disabled. */
  metrics: { host: string; port: number } | null
  /** Where traces are sent; null: nothing is traced. */
  traces: TracesConfig | null
  /** Where to report vulnerabilities, for security.txt; null: not published. */
  securityContact: string | null
  /** Other origins whose pages may use the passkeys of this site. */
  relatedOrigins: string[]
  /** How mail is sent; null: none is. */
  mail: MailConfig | null
  /** The APIs; if there are none, the sample takes their place when the public URL is on loopback. */
  upstreams: Upstream[]
  /** Identity providers. */
  providers: Provider[]
  /** The API that authenticates users instead of local passwords; null: passwords are checked here. */
  tokenApi: TokenApi | null
  /** Whose pages are served. */
  site: Site
  /** The name and look of the site. */
  brand: Brand
  /** The maximum lifetime of a WebSocket or event stream, unless its upstream sets its own. */
  streamMaxMs: number
  streamLimits: { perSession: number; perNetwork: number }
  /** Maximum active sessions per account. */
  maxSessions: number
  /** How often users of a provider are rechecked there; 0: only when they sign in. */
  recheckMs: number
  /** Whether the demo may run and its pages are available. */
  demo: boolean
  upstreamTokenMs: number
  upstreamTokenAlg: 'ES256' | 'RS256' | 'Ed25519'
  /** How long upstreams may cache our public keys; a new key is published for twice as long before it signs. */
  jwksMaxAgeMs: number
  /** The age at which a signing key is rotated. */
  signingRotationMs: number
  /** The secret with which an app's tests sign in as anybody; null: they cannot. */
  testSignIn: Secret | null
}

export interface UnixSocket {
  path: string
  /** Its permissions: who may connect to it needs to write. */
  mode: number
}

/**
 * Where keys are stored: a file that we may write, or read-only content of a setting, which was perhaps `readFrom` a
 * file (…_FILE).
 */
export type KeySource = { file: string } | { content: Secret; readFrom?: string }
