import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SECOND } from '../base/clock.ts'
import { NAME } from '../contract/name.ts'
import { type ConfigProblem, nearest, shownValue } from './config-problems.ts'
import {
  CONFIG_VARIABLE,
  ENVIRONMENT_ONLY,
  ENVIRONMENT_PREFIX,
  FILE_ENDING,
  FORMER_NAMES,
  fromText,
  SETTING_KEYS,
  type SettingKey,
  variableOf,
} from './settings.ts'

/** Bounds how long a configuration file may take to load, since it may wait for something such as a secret store. */
const LOAD_MS = 10 * SECOND

/** One setting as written, and where. */
export interface Written {
  value: unknown
  /** Its name in messages. */
  name: string
  /** Its source: "environment", or the file's name. */
  from: string
  /** The folder that relative paths in it start from. */
  folder: string
}
export type Sources = Map<string, Written>
export type Environment = Readonly<Record<string, string | undefined>>

export interface Gathered {
  sources: Sources
  problems: ConfigProblem[]
  file: string | null
  /** Settings written with a former name. */
  renamed: Renamed[]
}

export interface Renamed {
  /** As written: a variable, or a key of the configuration file. */
  former: string
  /** The name to use instead. */
  current: string
}

/**
 * Collects the settings from all sources, without validating their values.
 * @param given settings that a program passes; they win over the file's, and the environment's win over both
 */
export async function gather(env: Environment, cwd: string, given: object): Promise<Gathered> {
  const fromFile = await readConfigFile(env[CONFIG_VARIABLE], cwd)
  const all = [fromFile, readSettings(given, 'the settings passed', cwd), readEnvironment(env, cwd)]
  return {
    sources: new Map(all.flatMap(({ sources }) => [...sources])),
    problems: all.flatMap(({ problems }) => problems),
    file: fromFile.file,
    renamed: all.flatMap(({ renamed }) => renamed),
  }
}

/**
 * The environment, with what systemd's LoadCredential= hands to its service: a credential named as a variable of ours is
 * that variable's value, any other stands for an environment variable that is not set.
 * @see systemd.exec(5), CREDENTIALS_DIRECTORY
 */
export function withCredentials(env: Environment): Environment {
  const folder = env['CREDENTIALS_DIRECTORY']
  if (folder === undefined || folder === '') return env
  const credentials = namesIn(folder).flatMap(name => {
    const file = join(folder, name)
    // Only the path: what cannot be read or used is then reported as for any setting from a file.
    if (name.startsWith(ENVIRONMENT_PREFIX)) return [[name + FILE_ENDING, file] as const]
    const content = contentOf(file, folder)
    return 'text' in content ? [[name, content.text] as const] : []
  })
  return { ...Object.fromEntries(credentials), ...env }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Of a service that this command has been started from, perhaps, and closed to its user.
    return []
  }
}

function readEnvironment(env: Environment, cwd: string): Omit<Gathered, 'file'> {
  const sources: Sources = new Map()
  const problems: ConfigProblem[] = []
  const renamed: Renamed[] = []
  const byName = new Map(
    SETTING_KEYS.flatMap(key => variablesOf(key).map(variable => [variable.name, variable] as const)),
  )

  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith(ENVIRONMENT_PREFIX) || name === CONFIG_VARIABLE) continue
    const known = byName.get(name)
    if (known === undefined) {
      problems.push({
        name,
        received: null,
        expected: `there is no such setting${meant(name, [...SETTING_KEYS.flatMap(currentVariablesOf), CONFIG_VARIABLE])}`,
      })
      continue
    }
    const { key, file, current } = known
    const rival = variablesOf(key).find(variable => env[variable.name] !== undefined)?.name
    if (name !== current) renamed.push({ former: name, current })
    if (rival !== undefined && rival !== name) {
      problems.push({ name, received: null, expected: `give either this or ${rival}, not both` })
    } else if (text === '') {
      problems.push({ name, received: 'nothing', expected: 'a value, or the variable not set' })
    } else {
      const value = file ? contentOf(text, cwd) : { text }
      if ('failure' in value)
        problems.push({
          name,
          received: shownValue(text, false),
          expected: `the path of a readable file (${value.failure})`,
        })
      else
        sources.set(key, {
          value: fromText(key, value.text),
          name,
          from: file ? resolve(cwd, text) : 'environment',
          folder: cwd,
        })
    }
  }
  return { sources, problems, renamed }
}

interface Variable {
  name: string
  key: SettingKey
  /** Whether it names a file with the value. */
  file: boolean
  /** The current name. */
  current: string
}

/** Every variable that can provide a setting, the preferred one first. */
function variablesOf(key: SettingKey): Variable[] {
  const current = variableOf(key)
  return [key, ...formerNamesOf(key)].flatMap(name => [
    { name: variableOf(name), key, file: false, current },
    { name: variableOf(name) + FILE_ENDING, key, file: true, current: current + FILE_ENDING },
  ])
}

const currentVariablesOf = (key: SettingKey) => [variableOf(key), variableOf(key) + FILE_ENDING]

const formerNamesOf = (key: SettingKey) => [...FORMER_NAMES].filter(([, now]) => now === key).map(([former]) => former)

/** A secret's file usually ends in a line break that is not part of the secret. */
function contentOf(path: string, cwd: string): { text: string } | { failure: string } {
  try {
    return { text: readFileSync(resolve(cwd, path), 'utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    return { failure: codeOf(error) }
  }
}

async function readConfigFile(wanted: string | undefined, cwd: string): Promise<Gathered> {
  const sources: Sources = new Map()
  const usual = ['ts', 'json'].map(ending => `${NAME}.config.${ending}`).filter(name => existsSync(resolve(cwd, name)))
  if (wanted === undefined && usual.length > 1) {
    return {
      sources,
      renamed: [],
      file: null,
      problems: [
        {
          name: usual.join(' and '),
          received: null,
          expected: `there are two configuration files; keep one, or name it in ${CONFIG_VARIABLE}`,
        },
      ],
    }
  }
  const chosen = wanted ?? usual[0]
  if (chosen === undefined) return { sources, renamed: [], file: null, problems: [] }
  const file = resolve(cwd, chosen)
  const name = wanted === undefined ? chosen : CONFIG_VARIABLE
  try {
    const content = await contentsOf(file)
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      return {
        sources,
        renamed: [],
        file,
        problems: [
          {
            name: basename(file),
            received: null,
            expected: `the file must ${extname(file) === '.json' ? 'hold' : 'export as default'} one object of settings`,
          },
        ],
      }
    }
    return { file, ...readSettings(content, basename(file), dirname(file), file) }
  } catch (error) {
    return {
      sources,
      renamed: [],
      file,
      problems: [
        {
          name,
          received: JSON.stringify(chosen),
          expected: `a configuration file that can be read (${codeOf(error)})`,
        },
      ],
    }
  }
}

/**
 * @param place what messages call the place where the settings are written
 * @param folder the folder that relative paths start from
 */
function readSettings(content: object, place: string, folder: string, from = place): Omit<Gathered, 'file'> {
  const sources: Sources = new Map()
  const problems: ConfigProblem[] = []
  const renamed: Renamed[] = []
  for (const [written, value] of Object.entries(content)) {
    if (value === undefined) continue
    const name = `${written} in ${place}`
    const key = FORMER_NAMES.get(written) ?? SETTING_KEYS.find(known => known === written)
    if (key === undefined) {
      problems.push({ name, received: null, expected: `there is no such setting${meant(written, SETTING_KEYS)}` })
    } else if (ENVIRONMENT_ONLY.has(key)) {
      problems.push({ name, received: null, expected: `only read from the environment, as ${variableOf(key)}` })
    } else if (key !== written && key in content) {
      problems.push({ name, received: null, expected: `give either this or ${key}, not both` })
    } else {
      if (key !== written) renamed.push({ former: name, current: key })
      sources.set(key, { value, name, from, folder })
    }
  }
  return { sources, problems, renamed }
}

async function contentsOf(file: string): Promise<unknown> {
  if (extname(file) === '.json') {
    const text = readFileSync(file, 'utf8')
    try {
      return JSON.parse(text)
    } catch {
      // The parser's message quotes the text, which may contain the setup code.
      throw new Error('it is not valid JSON')
    }
  }
  readFileSync(file)
  const loaded = await withinPatience(basename(file), import(pathToFileURL(file).href))
  return typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
}

/**
 * Without this, a file that never finishes loading, or that exits, would end the process without a message.
 * @throws Error when loading takes too long
 */
async function withinPatience(name: string, loading: Promise<unknown>): Promise<unknown> {
  const onExit = () => {
    process.stderr.write(
      `${name} ended the process while it was being loaded. It should export its settings or throw an error.\n`,
    )
    process.exitCode = 1
  }
  process.once('exit', onExit)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not loaded within ${LOAD_MS / SECOND} seconds`)), LOAD_MS)
  })
  return Promise.race([loading, late]).finally(() => {
    clearTimeout(timer)
    process.off('exit', onExit)
  })
}

function meant(unknown: string, known: readonly string[]): string {
  const near = nearest(unknown, known)
  return near === null ? '' : ` (did you mean ${near}?)`
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unreadable'
  return 'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('E') &&
    !error.code.startsWith('ERR_')
    ? error.code
    : (error.message.split('\n')[0] ?? 'unreadable')
}
