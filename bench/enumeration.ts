import Database from 'better-sqlite3'
import { databaseFile } from '../server/store/sqlite/files.ts'
import { Visitor } from '../tests/support/client.ts'
import { setUp, signUp } from '../tests/support/people.ts'
import { type Server, startServer, temporaryFolder } from '../tests/support/server.ts'
import type { Figure } from './figure.ts'
import { median } from './load.ts'

const ACCOUNTS_OF_A_STATE = 20
/** Fewer than the attempts that are free, so that none is refused without a hash. */
const ROUNDS = 4
/** One of two alike is the slower in half of all pairs, give or take four standard deviations for as many as these. */
const CHANCE = 0.18

const STATES = ['with a password', 'disabled', 'without a password'] as const
type Address = (typeof STATES)[number] | 'unknown'

/** How well a stranger tells addresses apart by the time that a refusal takes: wrong passwords, by turns. */
export async function measureEnumeration(): Promise<Figure[]> {
  const { server, addresses } = await startWithAccounts()
  const times: Record<Address, number[]> = {
    unknown: [],
    'with a password': [],
    disabled: [],
    'without a password': [],
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < ACCOUNTS_OF_A_STATE; n++) {
      const turn: [Address, string][] = [
        ['unknown', `person-unknown-${String(n).padStart(3, '0')}@example.org`],
        ...STATES.map((state): [Address, string] => [state, addresses[state][n] ?? '']),
      ]
      // Whoever comes first in a turn may find caches cold.
      for (const [kind, email] of [
        ...turn.slice((n + round) % turn.length),
        ...turn.slice(0, (n + round) % turn.length),
      ])
        times[kind].push(await refusedIn(server, email))
    }
  }
  await server.stop()
  return STATES.map(state => {
    const slower = shareOfSlower(times[state], times.unknown)
    return {
      what: `wrong password, account ${state}`,
      measured: slower,
      unit: 'of pairs slower than an unknown address',
      target: `0.5 ± ${CHANCE}`,
      met: Math.abs(slower - 0.5) <= CHANCE,
      detail: `${median(times[state]).toFixed(1)} ms against ${median(times.unknown).toFixed(1)} ms, ${times.unknown.length} each`,
    }
  })
}

async function startWithAccounts(): Promise<{ server: Server; addresses: Record<(typeof STATES)[number], string[]> }> {
  const dataDir = temporaryFolder()
  const first = await startServer({ dataDir })
  const { browser } = await setUp(first.origin)
  const emails: string[] = []
  for (let n = 0; n < STATES.length * ACCOUNTS_OF_A_STATE; n++) emails.push((await signUp(browser)).person.email)
  await first.stop()
  const of = (state: number) => emails.slice(state * ACCOUNTS_OF_A_STATE, (state + 1) * ACCOUNTS_OF_A_STATE)
  const addresses = { 'with a password': of(0), disabled: of(1), 'without a password': of(2) }
  const database = new Database(databaseFile(dataDir))
  const change = (column: string, value: number | null, whose: readonly string[]) =>
    whose.forEach(email => database.prepare(`update accounts set ${column} = ? where email = ?`).run(value, email))
  change('disabled_at', Date.now(), addresses.disabled)
  change('password_sealed', null, addresses['without a password'])
  database.close()
  const server = await startServer({ dataDir })
  // The first comparison makes what unknown addresses are compared with.
  await refusedIn(server, 'nobody-at-all@example.org')
  return { server, addresses }
}

/** @returns milliseconds @throws Error when it was not refused as a wrong password */
async function refusedIn(server: Server, email: string): Promise<number> {
  const visitor = new Visitor(server.origin)
  // The connection is there before the clock runs.
  await visitor.get('/healthz')
  const before = performance.now()
  const { status } = await visitor.post('/auth/login', { email, password: 'not the right one at all' })
  const took = performance.now() - before
  visitor.close()
  if (status !== 401) throw new Error(`a wrong password was answered ${status}`)
  return took
}

/** In how many of all pairs the first is the slower one (Mann and Whitney's U, as a share). */
function shareOfSlower(these: readonly number[], those: readonly number[]): number {
  let slower = 0
  for (const one of these) for (const other of those) slower += one > other ? 1 : one === other ? 0.5 : 0
  return slower / (these.length * those.length)
}
