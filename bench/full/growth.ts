import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Server, sleep, spawnServer, startServer, statusOf, temporaryFolder } from '../../tests/support/server.ts'
import type { Figure } from '../figure.ts'
import { median } from '../load.ts'
import { flood, treeCpuMs } from './flood.ts'
import { type Hold, type Probed, startProbed } from './loop-delay.ts'
import { claim, type Options, type Section } from './section.ts'
import { seededFolder } from '../seeded-folder.ts'

interface Stage {
  sessions: number
  name: string
  dataDir: string
  headers: Record<string, string>
  cookies: string[]
  rounds: Round[]
  hold: Hold | null
}
/**
 * One start and what followed: milliseconds to readiness and of processor time until then, µs of processor time per
 * request, MB resident.
 */
interface Round {
  start: number
  startCpu: number
  first: number
  again: number
  memory: number
}

/** As many browsers ask in every size, each once: every answer then reads the database. */
const BROWSERS = 1000
/** A first pass of housekeeping comes a minute after the start. */
const HOUSEKEEPING_MS = 75_000
const SETTLED_MS = 5000
const FLAT = 1.15
const FLAT_COLUMNS = {
  first: 'request of a browser not seen before',
  again: 'request of a browser seen before',
  startCpu: 'start, processor time',
  memory: 'memory',
} as const

/** The same server on databases of three sizes, started in turn. */
export async function measureGrowth(
  { rounds, seconds, quick }: Options,
  say: (line: string) => void,
): Promise<Section> {
  const stages: Stage[] = []
  for (const sessions of quick ? [1000, 100_000] : [1000, 100_000, 1_000_000]) {
    say(`  making ${sessions} sessions`)
    stages.push(await stageOf(sessions))
  }
  // A start of each that does not count fills the caches of compiled code and of the system.
  for (const stage of stages) await (await startServer({ dataDir: stage.dataDir })).stop()
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    for (const stage of round % 2 === 0 ? stages : stages.toReversed())
      stage.rounds.push(await oneRound(stage, seconds))
  }
  if (!quick) await housekeep(stages)
  for (const { name, rounds: done } of stages)
    say(
      `  ${name}: start ${median(done.map(round => round.start)).toFixed(0)} ms, ${median(done.map(round => round.first)).toFixed(0)} µs, ${median(done.map(round => round.memory)).toFixed(0)} MB`,
    )
  return section(stages)
}

async function stageOf(sessions: number): Promise<Stage> {
  return {
    sessions,
    name: `${sessions.toLocaleString('en')} sessions`,
    ...(await seededFolder({ sessions, browsers: BROWSERS })),
    rounds: [],
    hold: null,
  }
}

async function oneRound({ dataDir, headers, cookies }: Stage, seconds: number): Promise<Round> {
  const { server, start, startCpu } = await startTimed(dataDir)
  const order = {
    port: server.port,
    method: 'GET' as const,
    path: '/auth/session',
    bodyBytes: 0,
    connections: 16,
    seconds,
  }
  const as = (cookie: string) => ({ ...headers, Host: new URL(server.origin).host, Cookie: cookie })
  // Compiled code first, by requests that read no session.
  await flood(server.pid, { ...order, headers: as(''), cookies: null })
  const first = await flood(server.pid, { ...order, headers: as(''), cookies, seconds: 60 })
  const again = await flood(server.pid, { ...order, headers: as(cookies[0] ?? ''), cookies: null })
  const memory = residentMb(server.pid)
  await server.stop()
  return { start, startCpu, first: first.cpuMs * 1000, again: again.cpuMs * 1000, memory }
}

async function startTimed(dataDir: string): Promise<{ server: Server; start: number; startCpu: number }> {
  const began = performance.now()
  const server = await spawnServer({ dataDir, outputFile: join(temporaryFolder(), 'server.log') })
  while ((await statusOf(server.port, '/readyz')) !== 200) {
    if (!server.running) throw new Error('the server ended before it was ready')
    await sleep(2)
  }
  return { server, start: performance.now() - began, startCpu: treeCpuMs(server.pid) }
}

/** Lets a server of each size stand until it has tidied up once, and notes how long that held everybody else. */
async function housekeep(stages: readonly Stage[]): Promise<void> {
  const standing: { stage: Stage; probed: Probed }[] = []
  for (const stage of stages) standing.push({ stage, probed: await startProbed({ dataDir: stage.dataDir }) })
  // What a start leaves for after it is not housekeeping.
  await sleep(SETTLED_MS)
  for (const { probed } of standing) await probed.longestHold()
  await sleep(HOUSEKEEPING_MS)
  for (const { stage, probed } of standing) {
    stage.hold = await probed.longestHold()
    await probed.server.stop()
  }
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

function databaseMb({ dataDir }: Stage): number {
  const names = readdirSync(dataDir).filter(name => name.startsWith('porchlight.db'))
  return names.reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0) / 1e6
}

function section(stages: readonly Stage[]): Section {
  const of = ({ rounds }: Stage, key: keyof Round) => median(rounds.map(round => round[key]))
  const [small, ...larger] = stages
  const grown = (key: keyof Round) =>
    Math.max(
      ...larger.map(stage =>
        median(stage.rounds.map((round, at) => round[key] / (small?.rounds[at]?.[key] ?? Number.NaN))),
      ),
    )
  const figures: Figure[] = Object.entries(FLAT_COLUMNS).map(([key, what]) =>
    claim(`growth: ${what}`, grown(key as keyof Round), `× that of ${small?.name}`, { most: FLAT }),
  )
  const longest = larger
    .map(stage => stage.hold)
    .filter(hold => hold !== null)
    .toSorted((a, b) => b.heldMs - a.heldMs)[0]
  if (longest !== undefined) {
    figures.push(
      claim(
        'growth: longest hold of the event loop by housekeeping',
        longest.heldMs,
        'ms',
        { most: 20 },
        `${longest.waitedMs.toFixed(0)} of them waiting for a core; ${small?.hold?.heldMs.toFixed(0)} ms with ${small?.name}`,
      ),
    )
  }
  return {
    title: 'Growth',
    method: `Databases filled with sessions as months of use would leave them (five for each person, one in four ended, each with its line in the security log, those that live with a grant of a provider). The server is started on each in turn; ${BROWSERS} browsers ask once each, then one asks again and again.`,
    columns: [
      { key: 'first', title: 'µs of processor time, browser not seen before', digits: 0, plotted: true },
      { key: 'again', title: 'µs, seen before', digits: 0, plotted: false },
      { key: 'startCpu', title: 'start, ms of processor time', digits: 0, plotted: true },
      { key: 'start', title: 'start, ms', digits: 0, plotted: false },
      { key: 'memory', title: 'memory, MB', digits: 0, plotted: false },
      { key: 'database', title: 'database, MB', digits: 1, plotted: false },
      { key: 'held', title: 'longest hold with housekeeping, ms', digits: 0, plotted: false },
      { key: 'waited', title: 'of that waiting for a core, ms', digits: 0, plotted: false },
    ],
    rows: stages.map(stage => ({
      name: stage.name,
      note: '',
      failed: null,
      values: {
        first: of(stage, 'first'),
        again: of(stage, 'again'),
        start: of(stage, 'start'),
        startCpu: of(stage, 'startCpu'),
        memory: of(stage, 'memory'),
        database: databaseMb(stage),
        ...(stage.hold === null ? {} : { held: stage.hold.heldMs, waited: stage.hold.waitedMs }),
      },
    })),
    figures,
  }
}
