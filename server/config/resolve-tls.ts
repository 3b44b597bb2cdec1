import type { ConfigProblem } from './config-problems.ts'
import type { Settings } from './settings.ts'
import type { Environment, Sources } from './sources.ts'
import { type TlsSetting, toTls } from './tls-setting.ts'
import type { Config } from './types.ts'
import type { UpstreamTls } from './upstream-config.ts'

type Reached = Pick<Config, 'upstreams' | 'site'>

/**
 * Reads what the connections of every upstream and of a front end use, from text, variables and files. Problems are
 * added to `problems`.
 * @param base made of `settings`, the upstreams in the same order
 */
export function withTls(
  base: Reached,
  settings: Pick<Settings, 'upstreams' | 'site'>,
  { sources, problems, env, cwd }: { sources: Sources; problems: ConfigProblem[]; env: Environment; cwd: string },
): Reached {
  const read = (key: keyof Reached, place: string, setting: TlsSetting | undefined): UpstreamTls | null => {
    if (setting === undefined) return null
    const written = sources.get(key)
    return toTls(setting, { env, folder: written?.folder ?? cwd }, (field, expected) => {
      const name = written?.name.replace(/^\S+/, setting => `${setting}${place}.tls.${field}`) ?? ''
      problems.push({ name, received: null, expected })
    })
  }
  const { site } = base
  return {
    upstreams: base.upstreams.map((upstream, index) => ({
      ...upstream,
      tls: read('upstreams', `[${index}]`, settings.upstreams?.[index]?.tls),
    })),
    site:
      site.kind === 'upstream'
        ? { ...site, upstream: { ...site.upstream, tls: read('site', '', settings.site?.tls) } }
        : site,
  }
}

const FIELDS: ReadonlySet<string> = new Set(['tls', 'ca', 'cert', 'key'])

/** Whether a path inside a setting leads to what may be a key, also where it was written in the wrong place. */
export function leadsToTls(inside: readonly string[]): boolean {
  return inside.some(part => FIELDS.has(part))
}

/** A setting as it may be shown: its key may be written there as text. */
export function withoutTls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return JSON.parse(JSON.stringify(value, (name, inside: unknown) => (name === 'tls' ? '(not shown)' : inside)))
}
