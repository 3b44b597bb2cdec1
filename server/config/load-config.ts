import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { DAY, SECOND } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { Secret } from '../base/secret.ts'
import { DISPLAY_NAME } from '../contract/name.ts'
import { isLoopback, toOrigin } from './address.ts'
import { type Brand, toBrand } from './brand-settings.ts'
import { livesOf, toLinkLives } from './lives.ts'
import { type ConfigProblem, describeProblem, shownValue } from './config-problems.ts'
import { SHOWN_FIELDS, shownProviders } from './provider-settings.ts'
import { toProviders } from './resolve-providers.ts'
import { judgeTogether, providerIds, type Describe } from './rules.ts'
import { FILE_ENDING, SECRET_SETTINGS, SETTING_KEYS, type SettingKey, Settings, variableOf } from './settings.ts'
import { readMailUrl, readSender } from './mail-settings.ts'
import { readTracesHeaders, readTracesUrl } from './traces-settings.ts'
import { type Environment, gather, type Renamed, type Sources, withCredentials, type Written } from './sources.ts'
import { toSite } from './site-settings.ts'
import type { Provider } from './provider-config.ts'
import { toTokenApi } from './token-api-settings.ts'
import type { Config, KeySource } from './types.ts'
import { leadsToTls, withoutTls, withTls } from './resolve-tls.ts'
import { toUpstream, withProvider, withTokenHeader } from './upstream-settings.ts'

/** One line of `config check`. */
export interface SettingReport {
  key: SettingKey
  variable: string
  value: string
  from: string
}
export interface Loaded {
  config: Config
  file: string | null
  report: SettingReport[]
  /** Settings written with a former name, which a later version will no longer read. */
  renamed: Renamed[]
}

const DEFAULTS = {
  publicUrl: 'http://localhost:3000',
  port: 3000,
  socketMode: '660',
  metricsHost: '127.0.0.1',
  dataDir: 'data',
  startWaitSeconds: 2,
  accessSeconds: 900,
  idleSeconds: 7 * 86_400,
  browserIdleSeconds: 12 * 3600,
  absoluteSeconds: 30 * 86_400,
  refreshConfirmSeconds: 60,
  refreshGraceSeconds: 600,
  insecureHttp: false,
  passwordMinLength: 15,
  registration: 'invite',
  secondFactor: 'optional',
  rememberSecondFactorDays: 0,
  trustedProxies: [],
  relatedOrigins: [],
  proxyProtocol: false,
  logLevel: 'info',
  tracesRatio: 1,
  tracesContinue: false,
  upstreams: [],
  login: 'password',
  providers: [],
  streamMaxSeconds: 3600,
  maxStreamsPerSession: 50,
  maxStreamsPerNetwork: 1000,
  maxSessions: 100,
  recheckSeconds: 900,
  demo: true,
  upstreamTokenSeconds: 300,
  upstreamTokenAlg: 'ES256',
  jwksMaxAgeSeconds: 600,
  signingRotationDays: 90,
} as const satisfies Settings

/**
 * Reads the configuration from its file, from the environment and from systemd's credentials.
 * @param given settings that a program passes: they win over the file's, and the environment's over them
 * @throws OperatorError that lists every problem at once and shows no secret
 */
export async function loadConfig(environment: Environment, cwd: string, given: object = {}): Promise<Loaded> {
  const env = withCredentials(environment)
  const { sources, problems, file, renamed } = await gather(env, cwd, given)
  const settings = judgeEach(sources, problems)
  const providers = providersOf(settings, sources, problems, env, cwd)
  const base = toConfig(settings, sources, cwd)
  const { upstreams, site } = withTls(base, settings, { sources, problems, env, cwd })
  const config = {
    ...base,
    site,
    providers,
    brand: brandOf(settings, sources, problems, cwd),
    upstreams: upstreams.map(upstream =>
      withTokenHeader(withProvider(upstream, providerIds({ providers, tokenApi: base.tokenApi })), base.tokenApi),
    ),
  }
  const describe: Describe = key => ({
    name: sources.get(key)?.name ?? variableOf(key),
    received: sources.has(key) ? shownOf(key, sources, config) : `${defaultOf(key, config)} (the default)`,
  })
  // Rules between settings only apply to those that are valid by themselves: an invalid one has its default here.
  const wrong = new Set(problems.map(({ name }) => name.replace(/^(\w+)\S*/, '$1')))
  const conflicts = judgeTogether(
    config,
    {
      insecureHttp: settings.insecureHttp ?? false,
      login: settings.login ?? DEFAULTS.login,
      tokenApi: settings.tokenApi !== undefined,
      mail: { url: settings.mailUrl !== undefined, from: settings.mailFrom !== undefined },
      nodeEnv: env['NODE_ENV'],
    },
    describe,
  ).filter(problem => !wrong.has(problem.name))
  const all = [...problems, ...conflicts]
  if (all.length > 0) {
    throw new OperatorError(
      `${DISPLAY_NAME}'s configuration has ${all.length === 1 ? 'a problem' : `${all.length} problems`}:`,
      all.map(problem => `  ${describeProblem(problem)}`),
    )
  }
  const report = SETTING_KEYS.map(key => ({
    key,
    variable: variableOf(key),
    value: sources.has(key) ? shownOf(key, sources, config) : defaultOf(key, config),
    from: sources.get(key)?.from ?? 'default',
  }))
  return { config, file, report, renamed }
}

/** Has no configuration file. */
const NOWHERE = '/nonexistent'

/**
 * Validates settings each by itself, as parts of a configuration whose rest is not known yet.
 * @returns a line for each problem
 */
export async function checkSettings(given: object): Promise<string[]> {
  const { sources, problems } = await gather({}, NOWHERE, given)
  judgeEach(sources, problems)
  return problems.map(describeProblem)
}

/** Validates each setting by itself. Invalid ones are left out of the result and added to `problems`. */
function judgeEach(sources: Sources, problems: ConfigProblem[]): Settings {
  const result = v.safeParse(Settings, Object.fromEntries([...sources].map(([key, { value }]) => [key, value])), {
    message: ({ expected }) => kindNamed(expected),
  })
  if (result.success) return result.output
  const wrong = new Set<string>()
  const named = new Set<string>()
  for (const issue of result.issues) {
    const [key = '', ...inside] = (issue.path ?? []).map(part => String(part.key))
    const written = sources.get(key)
    const place = inside.map(part => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('')
    if (written === undefined || named.has(key + place)) continue
    wrong.add(key)
    named.add(key + place)
    const expected = issue.type === 'strict_object' && issue.expected === 'never' ? 'no such field here' : issue.message
    // A _FILE whose content is not a valid value may have been named by mistake and contain a secret.
    problems.push({
      name: written.name.replace(/^\S+/, name => name + place),
      received: shownValue(withoutTls(issue.input), written.name.endsWith(FILE_ENDING) || isHidden(key, inside)),
      expected,
    })
  }
  const right = [...sources].filter(([key]) => !wrong.has(key)).map(([key, { value }]) => [key, value])
  return v.parse(Settings, Object.fromEntries(right))
}

/** What a setting expects where its schema has no message of its own: the library's messages repeat the input. */
function kindNamed(expected: string | null): string {
  if (expected === 'Object') return 'a group of fields'
  if (expected === 'Array') return 'a list'
  return expected === null ? 'another value' : expected
}

/** Providers have secrets among their fields, and a misspelt field may be a secret, too. */
function isHidden(key: string, inside: readonly string[]): boolean {
  if (key === 'upstreams' || key === 'site') return leadsToTls(inside)
  if (key !== 'providers') return SECRET_SETTINGS.has(key)
  return !inside.some(part => SHOWN_FIELDS.has(part))
}

function providersOf(
  settings: Settings,
  sources: Sources,
  problems: ConfigProblem[],
  env: Environment,
  cwd: string,
): Provider[] {
  const written = sources.get('providers')
  const nameOf = (index: number, field: string) =>
    written?.name.replace(/^\S+/, name => `${name}[${index}].${field}`) ?? ''
  return toProviders(settings.providers ?? [], problems, { env, folder: written?.folder ?? cwd, nameOf })
}

/** Reads the pictures of the brand, so that a missing one is reported with all other problems. */
function brandOf(settings: Settings, sources: Sources, problems: ConfigProblem[], cwd: string): Brand {
  const written = sources.get('brand')
  return toBrand(settings.brand, {
    folder: written?.folder ?? cwd,
    refuse: (field, received, expected) =>
      problems.push({ name: written?.name.replace(/^\S+/, name => `${name}.${field}`) ?? '', received, expected }),
  })
}

function toConfig(settings: Settings, sources: Sources, cwd: string): Omit<Config, 'providers' | 'brand'> {
  const set = { ...DEFAULTS, ...settings, ...livesOf(settings, DEFAULTS) }
  // Changing only the port also changes the default address.
  const ownUrl = settings.port === undefined ? DEFAULTS.publicUrl : `http://localhost:${settings.port}`
  const publicUrl = toOrigin(settings.publicUrl ?? ownUrl) ?? ownUrl
  const { protocol, hostname, port } = new URL(publicUrl)
  const loopback = isLoopback(hostname)
  const folderOf = (key: SettingKey) => sources.get(key)?.folder ?? cwd
  const dataDir = resolve(folderOf('dataDir'), set.dataDir)
  return {
    publicUrl,
    loopback,
    hosts:
      settings.socket !== undefined && settings.host === undefined && settings.port === undefined
        ? []
        : hostsFor(settings.host, loopback),
    // With https on loopback, another process terminates TLS on that port and forwards plain http to us.
    port: settings.port ?? (loopback && protocol === 'http:' ? Number(port || 80) : DEFAULTS.port),
    socket:
      settings.socket === undefined
        ? null
        : { path: resolve(folderOf('socket'), settings.socket), mode: Number.parseInt(set.socketMode, 8) },
    dataDir,
    startWaitMs: set.startWaitSeconds * SECOND,
    secureCookies: protocol === 'https:',
    accessMs: set.accessSeconds * SECOND,
    idleMs: set.idleSeconds * SECOND,
    browserIdleMs: set.browserIdleSeconds * SECOND,
    absoluteMs: set.absoluteSeconds * SECOND,
    confirmMs: set.refreshConfirmSeconds * SECOND,
    graceMs: set.refreshGraceSeconds * SECOND,
    keys: keySource(settings.keys ?? join(dataDir, 'keys.json'), folderOf('keys'), sources.get('keys')),
    signingKeys:
      settings.signingKeys === undefined
        ? null
        : keySource(settings.signingKeys, folderOf('signingKeys'), sources.get('signingKeys')),
    passwordMinLength: set.passwordMinLength,
    breachedPasswords: settings.breachedPasswords ?? null,
    linkLives: toLinkLives(settings.linkDays),
    setupCode: settings.setupCode === undefined ? null : new Secret(settings.setupCode),
    // Accounts are created by the API.
    registration: set.login === 'token-api' ? 'closed' : set.registration,
    secondFactor: set.secondFactor,
    rememberSecondFactorMs: set.rememberSecondFactorDays * DAY,
    trustedProxies: [...set.trustedProxies],
    proxyProtocol: set.proxyProtocol,
    logLevel: set.logLevel,
    metrics:
      settings.metricsPort === undefined
        ? null
        : { host: set.metricsHost === 'localhost' ? '127.0.0.1' : set.metricsHost, port: settings.metricsPort },
    traces: tracesOf(settings, set),
    securityContact: settings.securityContact ?? null,
    relatedOrigins: set.relatedOrigins.map(origin => toOrigin(origin) ?? origin),
    mail: mailOf(settings),
    upstreams: (settings.upstreams ?? []).map(upstream => toUpstream(upstream, set.streamMaxSeconds * SECOND)),
    tokenApi: set.login === 'token-api' && settings.tokenApi !== undefined ? toTokenApi(settings.tokenApi) : null,
    site: toSite(settings.site, folderOf('site'), publicUrl, set.streamMaxSeconds * SECOND),
    streamMaxMs: set.streamMaxSeconds * SECOND,
    streamLimits: { perSession: set.maxStreamsPerSession, perNetwork: set.maxStreamsPerNetwork },
    maxSessions: set.maxSessions,
    recheckMs: set.recheckSeconds * SECOND,
    demo: set.demo,
    upstreamTokenMs: set.upstreamTokenSeconds * SECOND,
    upstreamTokenAlg: set.upstreamTokenAlg,
    jwksMaxAgeMs: set.jwksMaxAgeSeconds * SECOND,
    signingRotationMs: set.signingRotationDays * DAY,
    testSignIn: settings.testSignIn === undefined ? null : new Secret(settings.testSignIn),
  }
}

function tracesOf(
  { tracesUrl, tracesHeaders }: Settings,
  { tracesRatio, tracesContinue }: Required<Pick<Settings, 'tracesRatio' | 'tracesContinue'>>,
): Config['traces'] {
  const url = readTracesUrl(tracesUrl ?? '')
  if (url === null) return null
  return { url, headers: readTracesHeaders(tracesHeaders ?? '') ?? [], ratio: tracesRatio, continues: tracesContinue }
}

function mailOf({ mailUrl, mailFrom }: Settings): Config['mail'] {
  const server = readMailUrl(mailUrl ?? '')
  const from = readSender(mailFrom ?? '')
  return server === null || from === null ? null : { server, from }
}

/** The content of a key file is JSON, and no path starts with a brace. */
function keySource(keys: string, folder: string, written: Written | undefined): KeySource {
  if (!keys.trimStart().startsWith('{')) return { file: resolve(folder, keys) }
  return { content: new Secret(keys), ...(written?.name.endsWith(FILE_ENDING) === true && { readFrom: written.from }) }
}

function hostsFor(host: string | undefined, loopback: boolean): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .map(entry => entry.address)
  const local = addresses.includes('::1') ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  if (host === 'localhost') return local
  if (host !== undefined) return [host]
  if (loopback) return local
  return [addresses.includes('::1') ? '::' : '0.0.0.0']
}

function shownOf(key: SettingKey, sources: Sources, config: Pick<Config, 'providers'>): string {
  if (key === 'providers') return shownProviders(config.providers)
  return shownValue(withoutTls(sources.get(key)?.value), SECRET_SETTINGS.has(key))
}

const LIVES = {
  accessSeconds: 'accessMs',
  idleSeconds: 'idleMs',
  browserIdleSeconds: 'browserIdleMs',
  absoluteSeconds: 'absoluteMs',
  refreshConfirmSeconds: 'confirmMs',
  refreshGraceSeconds: 'graceMs',
} as const

function defaultOf(key: SettingKey, config: Config): string {
  switch (key) {
    case 'publicUrl':
      return JSON.stringify(config.publicUrl)
    case 'accessSeconds':
    case 'idleSeconds':
    case 'browserIdleSeconds':
    case 'absoluteSeconds':
    case 'refreshConfirmSeconds':
    case 'refreshGraceSeconds':
      return String(config[LIVES[key]] / SECOND)
    case 'host':
      return config.hosts.join(', ') || 'none, since there is a socket'
    case 'port':
      return config.hosts.length === 0 ? 'none, since there is a socket' : String(config.port)
    case 'dataDir':
      return config.dataDir
    case 'keys':
      return 'keys.json in the data folder'
    case 'signingKeys':
      return 'in the key file'
    case 'site':
      return 'the built-in pages'
    case 'brand':
      return DISPLAY_NAME
    case 'linkDays':
      return 'invitations 7 days, reset links 30 minutes'
    case 'setupCode':
    case 'metricsPort':
    case 'socket':
    case 'securityContact':
    case 'breachedPasswords':
    case 'mailUrl':
    case 'mailFrom':
    case 'tokenApi':
    case 'tracesUrl':
    case 'tracesHeaders':
    case 'testSignIn':
      return 'none'
    default:
      return JSON.stringify(DEFAULTS[key])
  }
}
