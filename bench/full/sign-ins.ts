import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Person, setUp, signIn, signUp } from '../../tests/support/people.ts'
import { sleep, temporaryFolder } from '../../tests/support/server.ts'
import { headersOf } from '../against.ts'
import { median } from '../load.ts'
import { type Hold, startProbed } from './loop-delay.ts'
import { pinServers, unpinServers } from './machine.ts'
import { claim, type Options, type Section } from './section.ts'

const AT_ONCE = 50
/** One request every 5 ms, whether or not the last one has been answered. */
const QUIET_MS = 3000

interface Probe {
  p50: number
  p99: number
  longest: number
}
interface Round {
  signInsPerSecond: number
  hashesPerSecond: number
  quiet: Probe
  meanwhile: Probe
  heldQuiet: Hold
  held: Hold
}

/**
 * 50 people who sign in at once, and what everybody else notices. The server has the whole machine: hashes run beside
 * it.
 */
export async function measureSignIns({ rounds, quick }: Options, say: (line: string) => void): Promise<Section> {
  unpinServers()
  const { server, longestHold } = await startProbed({ outputFile: join(temporaryFolder(), 'server.log') })
  const { browser } = await setUp(server.origin)
  const people: Person[] = []
  for (let i = 0; i < AT_ONCE; i++) people.push((await signUp(browser)).person)
  const probe = () => startProbe(server.port, headersOf(browser))

  const all: Round[] = []
  for (let round = -1; round < (quick ? 2 : Math.min(rounds, 7)); round++) {
    const hashesPerSecond = await bareHashes()
    await longestHold()
    const before = probe()
    await sleep(QUIET_MS)
    const quiet = await before.stop()
    const heldQuiet = await longestHold()
    const during = probe()
    await during.started
    const began = performance.now()
    await Promise.all(people.map(person => signIn(server.origin, person)))
    const signInsPerSecond = AT_ONCE / ((performance.now() - began) / 1000)
    const meanwhile = await during.stop()
    if (round >= 0)
      all.push({ signInsPerSecond, hashesPerSecond, quiet, meanwhile, heldQuiet, held: await longestHold() })
  }
  await server.stop()
  pinServers()

  const of = (pick: (round: Round) => number) => median(all.map(pick))
  say(
    `  ${of(round => round.signInsPerSecond).toFixed(0)} sign-ins per second, ${of(round => round.hashesPerSecond).toFixed(0)} bare hashes`,
  )
  return {
    title: '50 people sign in at once',
    method:
      "Fifty right passwords at the same instant; beside them one browser that asks every 5 ms who it is, whose answers are timed. The event loop is watched from within: a timer of one millisecond, how late it is, and for how much of that it waited for a core (the kernel's schedstat). Bare hashes: the same argon2id (19 MiB, two passes) in a process that does nothing else, as many at once as the server allows itself.",
    columns: [
      { key: 'p50', title: "others' median, ms", digits: 2, plotted: false },
      { key: 'p99', title: "others' p99, ms", digits: 2, plotted: true },
      { key: 'longest', title: "others' longest, ms", digits: 1, plotted: false },
      { key: 'held', title: 'event loop held at most, ms', digits: 1, plotted: false },
      { key: 'waited', title: 'of that waiting for a core, ms', digits: 1, plotted: false },
      { key: 'hashes', title: 'hashes per second', digits: 0, plotted: false },
    ],
    rows: [
      {
        name: 'nobody signs in',
        note: '',
        failed: null,
        values: {
          p50: of(r => r.quiet.p50),
          p99: of(r => r.quiet.p99),
          longest: of(r => r.quiet.longest),
          held: of(r => r.heldQuiet.heldMs),
          waited: of(r => r.heldQuiet.waitedMs),
        },
      },
      {
        name: '50 sign in',
        note: '',
        failed: null,
        values: {
          p50: of(r => r.meanwhile.p50),
          p99: of(r => r.meanwhile.p99),
          longest: of(r => r.meanwhile.longest),
          held: of(r => r.held.heldMs),
          waited: of(r => r.held.waitedMs),
          hashes: of(r => r.signInsPerSecond),
        },
      },
      { name: 'bare hashes', note: 'nothing else runs', failed: null, values: { hashes: of(r => r.hashesPerSecond) } },
    ],
    figures: [
      claim(
        'sign-ins per second',
        of(r => r.signInsPerSecond / r.hashesPerSecond),
        '× bare hashes',
        {},
      ),
      claim(
        'p99 of others while 50 sign in',
        of(r => r.meanwhile.p99 / r.quiet.p99),
        '× that when nobody does',
        { most: 3 },
      ),
      claim(
        'event loop held while 50 sign in',
        of(r => r.held.heldMs),
        'ms at most',
        { most: 20 },
        `${of(r => r.held.waitedMs).toFixed(1)} of them waiting for a core; ${of(r => r.heldQuiet.heldMs).toFixed(1)} when nobody does`,
      ),
    ],
  }
}

async function bareHashes(): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../processes/hashes.ts')])
  return Number(stdout)
}

/** A browser in a process of its own that asks at a steady pace until it is stopped. */
function startProbe(port: number, headers: Record<string, string>): { started: Promise<void>; stop(): Promise<Probe> } {
  const child = execFile(process.execPath, [
    join(import.meta.dirname, '../processes/probe.ts'),
    JSON.stringify({ port, path: '/auth/session', headers }),
  ])
  let output = ''
  const { stdout, stdin } = child
  if (stdout === null || stdin === null) throw new Error('the probe has no pipes')
  const started = new Promise<void>(done => {
    stdout.on('data', chunk => {
      output += String(chunk)
      done()
    })
  })
  return {
    started,
    async stop() {
      const exited = new Promise(done => child.on('close', done))
      stdin.end()
      await exited
      return JSON.parse(output.replace('started', '')) as Probe
    },
  }
}
