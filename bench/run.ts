// npm run bench: ratios against bare baselines, measured in one run and in turn, so that they mean the same on any
// machine.
// `npm run bench -- session page` measures these alone.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { argv } from 'node:process'
import { setUp } from '../tests/support/people.ts'
import { startServer, stopAll, temporaryFolder } from '../tests/support/server.ts'
import { ensureSiteBuilt } from '../site-build/build-site.ts'
import { measureEnumeration } from './enumeration.ts'
import { type Figure, type Measurement, table } from './figure.ts'
import { measurePage, measureScripts } from './page.ts'
import { measurePasswordCheck } from './password-check.ts'
import { measureRelay } from './relay.ts'
import { measureRenewal } from './renewal.ts'
import { measureSession } from './session.ts'
import { measureStart } from './start.ts'
import { measureStreams } from './streams.ts'
import { measureVault } from './vault.ts'

const MEASUREMENTS: Record<string, Measurement> = {
  session: measureSession,
  page: measurePage,
  scripts: measureScripts,
  start: measureStart,
  renewal: measureRenewal,
  relay: measureRelay,
  streams: measureStreams,
  vault: measureVault,
  enumeration: measureEnumeration,
  passwords: measurePasswordCheck,
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

const all = Object.keys(MEASUREMENTS)
const wanted = argv.length > 2 ? argv.slice(2) : all
const unknown = wanted.filter(name => !all.includes(name))
if (unknown.length > 0) {
  say(`There is no measurement called ${unknown.join(', ')}. There are: ${all.join(', ')}.`)
  process.exit(1)
}

try {
  const site = await ensureSiteBuilt(say)
  // With its log on, as in production; into a file, so that nobody's time goes into reading it.
  const server = await startServer({ outputFile: join(temporaryFolder(), 'server.log') })
  const { browser } = await setUp(server.origin)
  const figures: Figure[] = []
  for (const name of wanted) figures.push(...((await MEASUREMENTS[name]?.({ site, server, browser })) ?? []))

  say(`\n${table(figures)}\n`)
  if (wanted.length === all.length) keep(figures)
  if (figures.some(figure => !figure.met)) process.exitCode = 1
} finally {
  await stopAll()
}

function keep(figures: readonly Figure[]): void {
  const folder = join(import.meta.dirname, '../.cache')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'bench.json'),
    `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, figures }, null, 2)}\n`,
  )
}
