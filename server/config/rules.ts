import { SECOND } from '../base/clock.ts'
import type { ConfigProblem } from './config-problems.ts'
import type { SettingKey } from './settings.ts'
import { DEMO_PAGES } from '../contract/demo/pages.ts'
import { isUnder } from '../contract/reserved.ts'
import { METHOD_IDS } from '../contract/method-ids.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { whyNoTestSignIn } from './test-sign-in.ts'
import type { Config } from './types.ts'
import { judgeProvider } from './upstream-settings.ts'

/** What fits a socket address with its final zero byte (`sun_path`, unix(7)): 108 bytes on Linux, 104 elsewhere. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103

/** The name of a setting and its value, or its default, as shown in a message. */
export type Describe = (key: SettingKey) => { name: string; received: string }

/** The providers whose tokens an upstream may take. */
export function providerIds({ providers, tokenApi }: Pick<Config, 'providers' | 'tokenApi'>): string[] {
  return [...providers.map(provider => provider.id), ...(tokenApi === null ? [] : [TOKEN_API])]
}

/** What was configured, where the resulting configuration no longer shows it. */
interface Configured {
  insecureHttp: boolean
  login: string
  tokenApi: boolean
  mail: { url: boolean; from: boolean }
  nodeEnv: string | undefined
}

/** The rules between settings; the session rules rely on these numbers. */
export function judgeTogether(
  config: Config,
  { insecureHttp, login, tokenApi, mail, nodeEnv }: Configured,
  describe: Describe,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const refuse = (key: SettingKey, expected: string) => problems.push({ ...describe(key), expected })
  const name = (key: SettingKey) => describe(key).name
  const seconds = (ms: number) => Math.floor(ms / SECOND)

  const smallerIdle = config.idleMs < config.browserIdleMs ? 'idleSeconds' : 'browserIdleSeconds'
  const smallerIdleMs = Math.min(config.idleMs, config.browserIdleMs)
  // An active client refreshes once per access token lifetime: the idle time has to cover two of them.
  if (config.accessMs * 2 > smallerIdleMs)
    refuse('accessSeconds', `at most ${seconds(smallerIdleMs / 2)}, half of ${name(smallerIdle)}`)
  if (config.idleMs > config.absoluteMs)
    refuse('idleSeconds', `at most ${seconds(config.absoluteMs)}, which is ${name('absoluteSeconds')}`)
  if (config.browserIdleMs > config.absoluteMs)
    refuse('browserIdleSeconds', `at most ${seconds(config.absoluteMs)}, which is ${name('absoluteSeconds')}`)
  if (config.confirmMs >= config.graceMs)
    refuse('refreshConfirmSeconds', `less than ${name('refreshGraceSeconds')}, which is ${seconds(config.graceMs)}`)
  // Otherwise a response that arrives as late as the grace period allows could carry an expired access token.
  if (config.graceMs * 8 > config.accessMs * 7)
    refuse(
      'refreshGraceSeconds',
      `at most ${seconds((config.accessMs * 7) / 8)}, seven eighths of ${name('accessSeconds')}`,
    )
  if (mail.url && !mail.from) refuse('mailFrom', `the sender of the mails that ${name('mailUrl')} sends`)
  if (mail.from && !mail.url) refuse('mailUrl', 'the server that sends them; without one there are no mails')
  if (!config.secureCookies && !config.loopback && !insecureHttp) {
    refuse(
      'publicUrl',
      `https, since cookies over plain http can be read on the network; to allow it on a trusted network, set ${name('insecureHttp')}`,
    )
  }
  if (login === 'token-api' && !tokenApi)
    refuse('tokenApi', `the API that signs people in, since ${name('login')} is token-api`)
  if (login !== 'token-api' && tokenApi) refuse('login', `token-api, since ${name('tokenApi')} is set`)
  const taken = config.providers.find(({ id }) => METHOD_IDS.includes(id))
  if (taken !== undefined) refuse('providers', `an id other than ${taken.id}, which is reserved for a sign-in method`)
  const same = config.providers.find(({ issuer }) => issuer.replace(/\/+$/, '') === config.tokenApi?.url)
  if (same !== undefined)
    refuse('tokenApi', `a url other than the issuer of the provider ${same.id}: their user ids would be mixed up`)
  for (const upstream of config.upstreams) {
    const wrong = judgeProvider(upstream, providerIds(config))
    if (wrong !== null) refuse('upstreams', wrong)
    // The scheme of a bound token is fixed (RFC 9449 §7.1).
    if (upstream.tokenHeader !== null && config.providers.some(({ id, dpop }) => dpop && id === upstream.provider))
      refuse('upstreams', `no tokenHeader for "${upstream.name}", whose tokens are bound by DPoP`)
    const page = config.demo ? DEMO_PAGES.find(page => isUnder(upstream.prefix, page)) : undefined
    if (page !== undefined)
      refuse('upstreams', `prefixes other than ${page}, which the demo uses unless ${name('demo')} is false`)
  }
  const { site } = config
  if (site.kind === 'upstream' && site.upstream.target.origin === config.publicUrl)
    refuse('site', `an address other than ${name('publicUrl')}: the front end must be a different server`)
  if (site.kind === 'upstream' && site.upstream.token !== 'none') {
    const same = config.upstreams.find(({ audience }) => audience === site.upstream.audience)
    if (same !== undefined)
      refuse('site', `an audience other than that of "${same.name}", which would accept the front end's tokens`)
  }
  if (
    config.signingKeys !== null &&
    'file' in config.signingKeys &&
    'file' in config.keys &&
    config.signingKeys.file === config.keys.file
  ) {
    refuse('signingKeys', `a file other than ${name('keys')}, which contains the root keys`)
  }
  if (config.metrics !== null && config.hosts.length > 0 && config.metrics.port === config.port)
    refuse('metricsPort', `a port other than ${name('port')}`)
  if (config.proxyProtocol && config.trustedProxies.length === 0 && config.socket === null)
    refuse('proxyProtocol', `${name('trustedProxies')} to name the proxies that send it, since nobody else may`)
  if (config.traces?.continues === true && config.trustedProxies.length === 0 && config.socket === null)
    refuse('tracesContinue', `${name('trustedProxies')} to name the proxies that trace, since nobody else is believed`)
  if (config.socket !== null && Buffer.byteLength(config.socket.path) > MAX_SOCKET_PATH_BYTES)
    refuse(
      'socket',
      `a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, the system's limit, and ${config.socket.path} has ${Buffer.byteLength(config.socket.path)}`,
    )
  const why = config.testSignIn === null ? null : whyNoTestSignIn(config, nodeEnv)
  if (why !== null) problems.push({ name: name('testSignIn'), received: null, expected: why })
  return problems
}
