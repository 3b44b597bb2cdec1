// npm run bench:full: everything that is claimed, against peers that are started here with the settings in bench/peers.
// `npm run bench:full -- relays growth` measures these alone, `--quick` less of everything; neither is kept in
// bench/results.
// `--rounds 3` says how often each comparison is repeated.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setUp } from '../tests/support/people.ts'
import { startServer, stopAll, temporaryFolder } from '../tests/support/server.ts'
import { ensureSiteBuilt } from '../site-build/build-site.ts'
import type { Bench } from './figure.ts'
import { measureGrowth } from './full/growth.ts'
import { describeMachine, pinServers } from './full/machine.ts'
import { measurePages } from './full/pages.ts'
import { endPrograms, installPeers } from './full/peer.ts'
import { measureRelays } from './full/relays.ts'
import { measureRenewals, measureStorm } from './full/renewals.ts'
import { asText, type Report, writeReport } from './full/report.ts'
import { failedSection, type Options, type Section } from './full/section.ts'
import { measureSessions } from './full/sessions.ts'
import { measureSignIns } from './full/sign-ins.ts'

type Part = (bench: Bench, options: Options, say: (line: string) => void) => Promise<Section[]>

const PARTS: Record<string, Part> = {
  sessions: async (bench, options, say) => [await measureSessions(bench, options, say)],
  relays: (_bench, options, say) => measureRelays(options, say),
  renewals: async (_bench, options, say) => [await measureRenewals(options, say), await measureStorm(options, say)],
  pages: measurePages,
  growth: async (_bench, options, say) => [await measureGrowth(options, say)],
  'sign-ins': async (_bench, options, say) => [await measureSignIns(options, say)],
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

const {
  values: { quick, rounds },
  positionals: named,
} = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
})
const options: Options = { rounds: Number(rounds ?? (quick ? 2 : 7)), seconds: quick ? 0.5 : 1.5, quick }
const all = Object.keys(PARTS)
const unknown = named.filter(name => !all.includes(name))
if (unknown.length > 0) {
  say(`There is no part called ${unknown.join(', ')}. There are: ${all.join(', ')}.`)
  process.exit(1)
}
if (!Number.isInteger(options.rounds) || options.rounds < 1) {
  say('--rounds takes a whole number from 1.')
  process.exit(1)
}
const wanted = named.length > 0 ? named : all

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endPrograms()
    void stopAll().finally(() => process.exit(1))
  })
}

try {
  const started = new Date()
  const site = await ensureSiteBuilt(say)
  await installPeers(say)
  pinServers()
  // With its log on, as in production; into a file, so that nobody's time goes into reading it.
  const server = await startServer({ outputFile: join(temporaryFolder(), 'server.log') })
  const { browser } = await setUp(server.origin)
  const sections: Section[] = []
  for (const name of wanted) {
    say(`\n${name}`)
    sections.push(
      ...((await PARTS[name]?.({ site, server, browser }, options, say).catch((error: unknown) => [
        failedSection(name, error),
      ])) ?? []),
    )
  }
  const report: Report = {
    machine: describeMachine(started),
    options,
    minutes: (Date.now() - started.getTime()) / 60_000,
    sections,
  }
  say(`\n${asText(report)}\n`)
  const whole = !quick && wanted.length === all.length
  const folder = join(import.meta.dirname, whole ? 'results' : '../.cache/bench')
  say(`Written to ${writeReport(report, folder, whole ? started.toISOString().slice(0, 10) : 'partial')}`)
  if (sections.some(({ figures }) => figures.some(figure => !figure.met))) process.exitCode = 1
} finally {
  endPrograms()
  await stopAll()
}
