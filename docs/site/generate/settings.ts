import type * as v from 'valibot'
import { loadConfig } from '../../../server/config/load-config.ts'
import {
  ENVIRONMENT_ONLY,
  SECRET_SETTINGS,
  type SettingKey,
  Settings,
  variableOf,
} from '../../../server/config/settings.ts'
import { UpstreamSetting, toUpstream } from '../../../server/config/upstream-settings.ts'
import { ProviderSetting } from '../../../server/config/provider-settings.ts'
import { SiteSetting } from '../../../server/config/site-settings.ts'
import { BrandSetting } from '../../../server/config/brand-settings.ts'
import { TokenApiSetting } from '../../../server/config/token-api-settings.ts'
import { expectedBy, type Field, fieldsOf } from './schema.ts'
import * as texts from './texts/fields.ts'
import { SETTING_GROUPS, SETTING_TEXTS } from './texts/settings.ts'

const { report } = await loadConfig({}, '/nonexistent')
const DEFAULTS = new Map(report.map(({ key, value }) => [key, value]))

/** Each group of fields, with the texts of every field. */
export const GROUPS: Record<
  'upstreams' | 'providers' | 'site' | 'brand' | 'tokenApi',
  [v.GenericSchema, texts.FieldTexts]
> = {
  upstreams: [UpstreamSetting, texts.UPSTREAM_FIELDS],
  providers: [ProviderSetting, texts.PROVIDER_FIELDS],
  site: [SiteSetting, texts.SITE_FIELDS],
  brand: [BrandSetting, texts.BRAND_FIELDS],
  tokenApi: [TokenApiSetting, texts.TOKEN_API_FIELDS],
}

/** Every setting of the server, chapter by chapter. */
export function settingSections(): string {
  return SETTING_GROUPS.map(({ title, keys }) => [`## ${title}`, ...keys.map(section)].join('\n\n')).join('\n\n')
}

function section(key: SettingKey): string {
  const { text, since } = SETTING_TEXTS[key]
  return [
    `### \`${key}\``,
    text,
    [`- ${typeOf(key)}`, `- default: ${defaultOf(key)}`, exampleOf(key), `- since ${since}`].join('\n'),
  ].join('\n\n')
}

function typeOf(key: SettingKey): string {
  const expected = expectedBy(Settings.entries[key])
  return expected.replace(/ \(in the environment[^)]*\)/, '')
}

function defaultOf(key: SettingKey): string {
  const words = SETTING_TEXTS[key].default ?? DEFAULTS.get(key) ?? 'none'
  const seconds = key.endsWith('Seconds') && Number(words) >= 3600 ? ` (${duration(Number(words))})` : ''
  return SETTING_TEXTS[key].default !== undefined || /[ A-Z]|^none$/.test(words)
    ? words
    : `\`${words.replaceAll('"', '')}\`${seconds}`
}

function exampleOf(key: SettingKey): string {
  const { example } = SETTING_TEXTS[key] as { example: unknown }
  const variable = variableOf(key)
  const isList = Array.isArray(example) && example.every(each => typeof each === 'string')
  const text = typeof example === 'object' && !isList ? `'${JSON.stringify(example)}'` : String(example)
  const inFile = ENVIRONMENT_ONLY.has(key) ? '' : `\`${key}: ${literal(example)}\` or `
  const asFile = SECRET_SETTINGS.has(key) ? `, or \`${variable}_FILE\` with the path of a file` : ''
  return `- ${inFile}\`${variable}=${text}\`${asFile}`
}

/** As it is written in a configuration file. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${literal(each)}`)
      .join(', ')} }`
  return String(value)
}

function duration(seconds: number): string {
  const [unit, size] = seconds % 86_400 === 0 ? ['day', 86_400] : ['hour', 3600]
  const count = seconds / Number(size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** A table of all fields of a group. */
export function fieldTable(group: keyof typeof GROUPS): string {
  const [schema, described] = GROUPS[group]
  const rows = fieldsOf(schema).map(field => row(field, described[field.path], group))
  return ['| field | what it is | default |', '|---|---|---|', ...rows].join('\n')
}

function row({ path, type, required }: Field, text: texts.FieldText | undefined, group: string): string {
  const expected = (text?.type ?? type).replaceAll('|', '\\|').replace(/^true or false$/, '`true` or `false`')
  const known = group === 'upstreams' ? upstreamDefault(path) : undefined
  const fallback = required ? 'required' : (text?.default ?? known ?? '')
  return `| \`${path}\` | ${text?.text ?? ''}: *${expected.replaceAll('*', '\\*')}* | ${fallback} |`
}

/** Read from the code that fills it in. */
function upstreamDefault(path: string): string | undefined {
  const filled = toUpstream({ name: 'x', target: 'http://127.0.0.1' }, 0) as unknown as Record<string, unknown>
  const [first = '', second] = path.split('.')
  const value =
    second === undefined ? filled[first] : (filled[first] as Record<string, unknown> | null)?.[`${second}Ms`]
  if (value === null || value === undefined) return undefined
  return `\`${second === undefined ? String(value) : Number(value) / 1000}\``
}
