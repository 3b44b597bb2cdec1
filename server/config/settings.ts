import { isIP } from 'node:net'
import * as v from 'valibot'
import { NAME } from '../contract/name.ts'
import { REGISTRATION } from '../contract/wire.ts'
import { isAddressOrRange, isLoopback, isSecureOrigin, toOrigin } from './address.ts'
import { BrandSetting } from './brand-settings.ts'
import { MailFrom, MailUrl } from './mail-settings.ts'
import { ProvidersSetting } from './provider-settings.ts'
import { SiteSetting } from './site-settings.ts'
import { TokenApiSetting } from './token-api-settings.ts'
import { TracesHeaders, TracesRatio, TracesUrl } from './traces-settings.ts'
import { Upstreams } from './upstream-settings.ts'

const DAY_SECONDS = 86_400
/** Browsers keep cookies for at most 400 days, and the refresh cookie outlives its session by 7 (rfc6265bis §5.5). */
export const MAX_LIFE_SECONDS = 393 * DAY_SECONDS
/** Algorithms for upstream tokens: ES256, unless an upstream's library only supports another (RFC 9068 §2.1). */
export const UPSTREAM_TOKEN_ALGS = ['ES256', 'RS256', 'Ed25519'] as const
/** Who checks passwords: this server, or an API with accounts of its own. */
const LOGINS = ['password', 'token-api'] as const
/** Of whom a second factor is required: nobody, administrators, everybody. */
const SECOND_FACTOR = ['optional', 'admins', 'required'] as const
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const

const whole = (least: number, most: number) => {
  const expected = `a whole number from ${least} to ${most}`
  return v.exactOptional(
    v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(least, expected), v.maxValue(most, expected)),
  )
}
const text = (expected: string) => v.pipe(v.string(expected), v.minLength(1, expected))

const PUBLIC_URL =
  'an address like https://example.org: http or https, a host and perhaps a port, without path, query or user name'
const HOST = 'an IP address to listen on, such as 127.0.0.1 or 0.0.0.0, or localhost'
const SOCKET = 'the path of a unix socket'
const SOCKET_MODE = "permissions as three octal digits that let this user read and write, such as '660'"
const PROXIES = 'IP addresses or ranges, such as 10.0.0.0/8 (in the environment separated by commas)'
const BREACHED_PASSWORDS =
  'the address of a range service, such as https://api.pwnedpasswords.com/range/: https (http on this machine), ending in /, without user name, query or #'
const SECURITY_CONTACT = 'where to report vulnerabilities: mailto:security@example.org, an https address or tel:+49-123'
const RELATED_ORIGINS =
  'at most 20 origins like https://example.net, whose pages may use the passkeys of this site (in the environment separated by commas)'
const LONG_SECRET = 'at least 22 characters without spaces, such as `openssl rand -hex 16` prints'
const hostToListenOn = v.pipe(
  v.string(HOST),
  v.check(value => value === 'localhost' || isIP(value) !== 0, HOST),
)
const longSecret = v.pipe(v.string(LONG_SECRET), v.regex(/^\S{22,200}$/, LONG_SECRET))

function isRangeService(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, pathname, username, password, search, hash } = new URL(value)
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1')))
  return isPrivate && pathname.endsWith('/') && username + password + search + hash === ''
}

/** Every setting as written in a configuration file. The environment variables are derived from these names. */
export const Settings = v.strictObject({
  publicUrl: v.exactOptional(
    v.pipe(
      v.string(PUBLIC_URL),
      v.check(value => toOrigin(value) !== null, PUBLIC_URL),
    ),
  ),
  host: v.exactOptional(hostToListenOn),
  port: whole(1, 65_535),
  socket: v.exactOptional(text(SOCKET)),
  socketMode: v.exactOptional(v.pipe(v.string(SOCKET_MODE), v.regex(/^[67][0-7]{2}$/, SOCKET_MODE))),
  dataDir: v.exactOptional(text('the path of a folder')),
  startWaitSeconds: whole(0, 3600),
  accessSeconds: whole(2, DAY_SECONDS),
  idleSeconds: whole(4, MAX_LIFE_SECONDS),
  browserIdleSeconds: whole(4, MAX_LIFE_SECONDS),
  absoluteSeconds: whole(4, MAX_LIFE_SECONDS),
  refreshConfirmSeconds: whole(0, 3600),
  refreshGraceSeconds: whole(1, DAY_SECONDS),
  keys: v.exactOptional(text('the path of a key file, or the content of one')),
  signingKeys: v.exactOptional(text('the path of a file of signing keys, or the content of one')),
  insecureHttp: v.exactOptional(v.boolean('true or false')),
  passwordMinLength: whole(8, 64),
  breachedPasswords: v.exactOptional(
    v.pipe(
      v.string(BREACHED_PASSWORDS),
      v.check(value => isRangeService(value), BREACHED_PASSWORDS),
    ),
  ),
  linkDays: whole(1, 30),
  setupCode: v.exactOptional(longSecret),
  registration: v.exactOptional(v.picklist(REGISTRATION, `one of ${REGISTRATION.join(', ')}`)),
  secondFactor: v.exactOptional(v.picklist(SECOND_FACTOR, `one of ${SECOND_FACTOR.join(', ')}`)),
  rememberSecondFactorDays: whole(0, 90),
  trustedProxies: v.exactOptional(
    v.pipe(
      v.array(v.string(PROXIES), PROXIES),
      v.check(list => list.every(isAddressOrRange), PROXIES),
    ),
  ),
  proxyProtocol: v.exactOptional(v.boolean('true or false')),
  logLevel: v.exactOptional(v.picklist(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`)),
  metricsHost: v.exactOptional(hostToListenOn),
  metricsPort: whole(1, 65_535),
  tracesUrl: v.exactOptional(TracesUrl),
  tracesHeaders: v.exactOptional(TracesHeaders),
  tracesRatio: v.exactOptional(TracesRatio),
  tracesContinue: v.exactOptional(v.boolean('true or false')),
  securityContact: v.exactOptional(
    v.pipe(
      v.string(SECURITY_CONTACT),
      v.regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+|tel:\+?[\d-]+)$/, SECURITY_CONTACT),
      v.maxLength(500, SECURITY_CONTACT),
    ),
  ),
  relatedOrigins: v.exactOptional(
    v.pipe(
      v.array(v.string(RELATED_ORIGINS), RELATED_ORIGINS),
      v.maxLength(20, RELATED_ORIGINS),
      v.check(list => list.every(isSecureOrigin), RELATED_ORIGINS),
    ),
  ),
  mailUrl: v.exactOptional(MailUrl),
  mailFrom: v.exactOptional(MailFrom),
  upstreams: v.exactOptional(Upstreams),
  providers: v.exactOptional(ProvidersSetting),
  login: v.exactOptional(v.picklist(LOGINS, `one of ${LOGINS.join(', ')}`)),
  tokenApi: v.exactOptional(TokenApiSetting),
  site: v.exactOptional(SiteSetting),
  brand: v.exactOptional(BrandSetting),
  streamMaxSeconds: whole(1, DAY_SECONDS),
  maxStreamsPerSession: whole(1, 10_000),
  maxStreamsPerNetwork: whole(1, 1_000_000),
  maxSessions: whole(1, 1000),
  recheckSeconds: whole(0, DAY_SECONDS),
  demo: v.exactOptional(v.boolean('true or false')),
  upstreamTokenSeconds: whole(10, 3600),
  upstreamTokenAlg: v.exactOptional(v.picklist(UPSTREAM_TOKEN_ALGS, `one of ${UPSTREAM_TOKEN_ALGS.join(', ')}`)),
  jwksMaxAgeSeconds: whole(1, DAY_SECONDS),
  signingRotationDays: whole(1, 3650),
  testSignIn: v.exactOptional(longSecret),
})
export type Settings = v.InferOutput<typeof Settings>
export type SettingKey = keyof Settings

export const SETTING_KEYS = Object.keys(Settings.entries) as SettingKey[]

/** Settings whose value is never shown. */
export const SECRET_SETTINGS: ReadonlySet<string> = new Set<SettingKey>([
  'keys',
  'signingKeys',
  'setupCode',
  'mailUrl',
  'tracesHeaders',
  'testSignIn',
])

/** Settings that a configuration file may not have: such files are committed, and shared by tests and production. */
export const ENVIRONMENT_ONLY: ReadonlySet<SettingKey> = new Set<SettingKey>(['testSignIn'])

/** Names of settings before 0.1: read with a warning by two minor versions, 0.1 and 0.2. */
export const FORMER_NAMES: ReadonlyMap<string, SettingKey> = new Map([
  ['settleSeconds', 'refreshConfirmSeconds'],
  ['lateSeconds', 'refreshGraceSeconds'],
])

/** The first version that no longer reads them: a test fails when it comes. */
export const FORMER_NAMES_END = '0.3.0'

export const ENVIRONMENT_PREFIX = `${NAME.toUpperCase()}_`
/** The path of the configuration file; only read from the environment. */
export const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`
export const FILE_ENDING = '_FILE'

/** publicUrl → PORCHLIGHT_PUBLIC_URL */
export function variableOf(key: string): string {
  return ENVIRONMENT_PREFIX + key.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

/** The type that a setting's schema wants, under what is optional or checked further. */
function baseOf(schema: v.GenericSchema): v.GenericSchema {
  if ('wrapped' in schema) return baseOf(schema.wrapped as v.GenericSchema)
  if ('pipe' in schema) {
    const [first] = schema.pipe as v.GenericSchema[]
    if (first !== undefined && first !== schema) return 'pipe' in first ? baseOf(first) : first
  }
  return schema
}

/**
 * Environment variables are text. A value that cannot be converted to the setting's type is left as text for the schema
 * to reject.
 */
export function fromText(key: SettingKey, value: string): unknown {
  const base = baseOf(Settings.entries[key])
  switch (base.type) {
    case 'number':
      return /^\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : value
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value
    case 'string':
    case 'picklist':
      return value
    default:
      return isListOfText(base) ? listIn(value) : fromJson(value)
  }
}

function isListOfText(schema: v.GenericSchema): boolean {
  return schema.type === 'array' && 'item' in schema && baseOf(schema.item as v.GenericSchema).type === 'string'
}

function listIn(value: string): string[] {
  return value
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

function fromJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
