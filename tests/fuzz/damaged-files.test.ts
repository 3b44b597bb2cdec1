import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll } from 'vitest'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { Visitor } from '../support/client.ts'
import { type Person, setUp, signUp } from '../support/people.ts'
import {
  type Server,
  spawnServer,
  startServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { expectOutcome, STARTS_AT_ONCE } from '../support/fuzz/outcome.ts'
import { hostileValue } from '../support/fuzz/values.ts'

/** Two installations; each attack copies the first one's files and damages the copy. */
let home: Home
let foreign: Home
interface Home {
  dataDir: string
  origin: string
  resident: Visitor
  person: Person
  keys: string
  database: Buffer
}

beforeAll(async () => {
  home = await lived()
  foreign = await lived()
})
afterAll(stopAll)

async function lived(): Promise<Home> {
  const server = await startServer({ settings: SETTINGS })
  const { browser: admin } = await setUp(server.origin)
  const { browser: resident, person } = await signUp(admin)
  await server.stop()
  const { dataDir, origin } = server
  return {
    dataDir,
    origin,
    resident,
    person,
    keys: readFileSync(join(dataDir, 'keys.json'), 'utf8'),
    database: readFileSync(databaseFile(dataDir)),
  }
}

const SETTINGS = { LOG_LEVEL: 'info', REGISTRATION: 'open' }

type Damage =
  | { file: 'keys'; does: 'is of another installation' | 'is empty' | 'is cut'; at: number }
  /** One character of one secret value, by the path to it. */
  | { file: 'keys'; does: 'has a wrong character'; at: number; in: 'root' | 'signing' | 'anywhere' }
  | {
      file: 'keys'
      does: 'says otherwise'
      path:
        | 'version'
        | 'counter'
        | 'roots'
        | 'signing'
        | 'roots.0'
        | 'roots.0.id'
        | 'roots.0.secret'
        | 'roots.0.createdAt'
        | 'roots.0.replacedAt'
        | 'signing.0'
        | 'signing.0.id'
        | 'signing.0.key'
      value: unknown
    }
  | { file: 'database'; does: 'has wrong bytes'; at: number[] }
  | { file: 'database'; does: 'is cut' | 'is empty' | 'is of another installation'; at: number }

const at = fc.double({ min: 0, max: 0.999, noNaN: true })
const input: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ file: fc.constant('keys' as const), does: fc.constantFrom('is empty' as const, 'is cut' as const), at }),
  {
    arbitrary: fc.record({
      file: fc.constant('keys' as const),
      does: fc.constant('has a wrong character' as const),
      at,
      in: fc.constantFrom('root' as const, 'signing' as const, 'anywhere' as const),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      file: fc.constant('keys' as const),
      does: fc.constant('says otherwise' as const),
      value: hostileValue(),
      path: fc.constantFrom(
        'version' as const,
        'counter' as const,
        'roots' as const,
        'signing' as const,
        'roots.0' as const,
        'roots.0.id' as const,
        'roots.0.secret' as const,
        'roots.0.createdAt' as const,
        'roots.0.replacedAt' as const,
        'signing.0' as const,
        'signing.0.id' as const,
        'signing.0.key' as const,
      ),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      file: fc.constant('database' as const),
      does: fc.constant('has wrong bytes' as const),
      at: fc.array(at, { minLength: 1, maxLength: 5 }),
    }),
    weight: 4,
  },
  fc.record({
    file: fc.constant('database' as const),
    does: fc.constantFrom('is cut' as const, 'is empty' as const, 'is of another installation' as const),
    at,
  }),
)

fuzz<Damage>('damaged files', {
  input,
  batch: STARTS_AT_ONCE,
  seeds: {
    'the key file of another installation is refused with words': [
      { file: 'keys', does: 'is of another installation', at: 0 },
    ],
    'one wrong character in a root secret is refused with words': [0, 0.3, 0.6, 0.95].map(place => ({
      file: 'keys',
      does: 'has a wrong character',
      at: place,
      in: 'root',
    })),
    'one wrong character in a signing key is refused with words': [0.05, 0.4, 0.7, 0.95].map(place => ({
      file: 'keys',
      does: 'has a wrong character',
      at: place,
      in: 'signing',
    })),
    'the database of another installation is refused with words': [
      { file: 'database', does: 'is of another installation', at: 0 },
    ],
  },
  async run(damage) {
    const dataDir = temporaryFolder()
    const keys = join(dataDir, 'keys.json')
    const database = databaseFile(dataDir)
    copyFileSync(databaseFile(home.dataDir), database)
    writeFileSync(keys, damage.file === 'keys' ? damagedKeys(damage) : home.keys)
    if (damage.file === 'database') writeFileSync(database, damagedDatabase(damage))
    for (const file of [keys, database]) chmodSync(file, 0o600)
    const server = await spawnServer({ dataDir, publicUrl: home.origin, settings: { ...SETTINGS, HOST: '127.0.0.1' } })
    await waitUntil(
      async () => !server.running || (await statusOf(server.port, '/readyz')) === 200,
      'it to be ready, or to end',
      () => server.output,
      60_000,
    )
    if (!server.running) return expectOutcome(await server.exit(), server.output, secretsOf(home.keys))
    await expectHarmless(server, damage)
    if ((await server.stop()) !== 0) throw new Error(`it did not end cleanly:\n${server.output.slice(-2000)}`)
  },
  settle: () => Promise.resolve(),
})

/**
 * It runs: then what was damaged was nothing that it needs. Whoever was signed in is; with a database that lost pages
 * of theirs, they may be nobody, or told that it cannot be read.
 */
async function expectHarmless(server: Server, { file }: Damage): Promise<void> {
  const browser = new Visitor(home.origin, { jar: home.resident.jar.copy() })
  const there = (path: string) =>
    new Visitor(`http://localhost:${server.port}`, { jar: browser.jar }).ask({
      path,
      headers: { host: new URL(home.origin).host },
    })
  const session = await there('/auth/session')
  const page = await there('/account')
  for (const answer of [session, page]) judge(wireAnswer(answer))
  const user = session.status === 200 ? session.json<SessionAnswer>().user : null
  if (user !== null && user.email !== home.person.email && file === 'keys')
    throw new Error(`signed in as ${user.email}`)
  if (file === 'keys' && user === null)
    throw new Error(
      `it runs as if it were healthy, and nobody is signed in: ${session.text}\n${server.output.slice(-2000)}`,
    )
  if ((await there('/api/notes')).status !== 200 && file === 'keys')
    throw new Error('it runs as if it were healthy, and upstreams refuse its tokens')
}

interface Keys {
  roots: Record<string, unknown>[]
  signing: Record<string, unknown>[]
}

function damagedKeys(damage: Damage & { file: 'keys' }): string {
  switch (damage.does) {
    case 'is of another installation':
      return foreign.keys
    case 'is empty':
      return ''
    case 'is cut':
      return home.keys.slice(0, Math.floor(home.keys.length * damage.at))
    case 'says otherwise':
      return otherwise(damage.path, damage.value)
    case 'has a wrong character': {
      const [secret = home.keys] =
        damage.in === 'anywhere'
          ? [home.keys]
          : damage.in === 'root'
            ? rootSecrets(home.keys)
            : signingSecrets(home.keys)
      return home.keys.replace(secret, wrongAt(secret, Math.floor(secret.length * damage.at)))
    }
    default:
      return damage satisfies never
  }
}

/** Another letter of the same alphabet, so that only what it means is wrong. */
function wrongAt(text: string, place: number): string {
  return text.slice(0, place) + (text[place] === 'B' ? 'C' : 'B') + text.slice(place + 1)
}

function otherwise(path: string, value: unknown): string {
  const all = JSON.parse(home.keys) as Keys
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce<Record<string, unknown> | undefined>(
    (object, name) => object?.[name] as Record<string, unknown> | undefined,
    all as unknown as Record<string, unknown>,
  )
  if (parent !== undefined) parent[last] = value
  return JSON.stringify(all)
}

function damagedDatabase(damage: Damage & { file: 'database' }): Buffer {
  switch (damage.does) {
    case 'is of another installation':
      return foreign.database
    case 'is empty':
      return Buffer.alloc(0)
    case 'is cut':
      return home.database.subarray(0, Math.floor(home.database.length * damage.at))
    case 'has wrong bytes': {
      const copy = Buffer.from(home.database)
      for (const place of damage.at)
        copy[Math.floor(copy.length * place)] = ~(copy[Math.floor(copy.length * place)] ?? 0) & 0xff
      return copy
    }
    default:
      return damage satisfies never
  }
}

const rootSecrets = (keys: string): string[] => (JSON.parse(keys) as Keys).roots.map(root => String(root['secret']))
const signingSecrets = (keys: string): string[] =>
  [...keys.matchAll(/"d": ?"([\w-]{20,})"/g)].map(match => match[1] ?? '')
const secretsOf = (keys: string): string[] => [...rootSecrets(keys), ...signingSecrets(keys)]
