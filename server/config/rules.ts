import { SECOND } from '../base/clock.ts'
import type { ConfigProblem } from './problems.ts'
import type { SettingKey } from './settings.ts'
import type { Config } from './types.ts'
import { judgeProvider } from './upstreams.ts'

/** How a setting is called in a message, and what it is: for settings that were not written, their defaults. */
export type Told = (key: SettingKey) => { name: string, given: string }

/** Those whose tokens an upstream may take. */
export function providerIds({ providers }: Pick<Config, 'providers'>): string[] {
  return providers.map(provider => provider.id)
}

/** What must hold between settings: the session rules rest on these numbers. */
export function judgeTogether(config: Config, insecureHttp: boolean, told: Told): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const refuse = (key: SettingKey, expected: string) => problems.push({ ...told(key), expected })
  const name = (key: SettingKey) => told(key).name
  const seconds = (ms: number) => Math.floor(ms / SECOND)

  const smallerIdle = config.idleMs < config.browserIdleMs ? 'idleSeconds' : 'browserIdleSeconds'
  const smallerIdleMs = Math.min(config.idleMs, config.browserIdleMs)
  // A person who is there renews once per access life: two of them have to fit into the idle time.
  if (config.accessMs * 2 > smallerIdleMs) refuse('accessSeconds', `at most ${seconds(smallerIdleMs / 2)}, half of ${name(smallerIdle)}`)
  if (config.idleMs > config.absoluteMs) refuse('idleSeconds', `at most ${seconds(config.absoluteMs)}, which is ${name('absoluteSeconds')}`)
  if (config.browserIdleMs > config.absoluteMs) refuse('browserIdleSeconds', `at most ${seconds(config.absoluteMs)}, which is ${name('absoluteSeconds')}`)
  if (config.settleMs >= config.lateMs) refuse('settleSeconds', `less than ${name('lateSeconds')}, which is ${seconds(config.lateMs)}`)
  // Otherwise an answer as late as is allowed could meet an access token that has run out.
  if (config.lateMs * 8 > config.accessMs * 7) refuse('lateSeconds', `at most ${seconds(config.accessMs * 7 / 8)}, seven eighths of ${name('accessSeconds')}`)
  if (!config.secureCookies && !config.loopback && !insecureHttp) {
    refuse('publicUrl', `https, since cookies over plain http can be read on the way; for a network that you trust, allow it with ${name('insecureHttp')}`)
  }
  for (const upstream of config.upstreams) {
    const wrong = judgeProvider(upstream, providerIds(config))
    if (wrong !== null) refuse('upstreams', wrong)
  }
  const { site } = config
  if (site.kind === 'upstream' && site.upstream.target.origin === config.publicUrl) refuse('site', `another address than ${name('publicUrl')}: a front end behind us cannot be ourselves`)
  if (config.metricsPort !== null && config.metricsPort === config.port) refuse('metricsPort', `another port than ${name('port')}`)
  return problems
}
