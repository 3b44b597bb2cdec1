import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Answer, Visitor } from '../support/client.ts'
import { ROOT, type Server, sleep, startServer, stopAll } from '../support/server.ts'
import type { LoggedBrowser } from '../support/faults/browser.ts'
import { wronged } from '../support/faults/checker.ts'
import { gather } from '../support/faults/crowd.ts'
import { percentiles, report } from '../support/faults/figures.ts'
import { usageOf } from '../support/faults/machine.ts'

const HONEST_MS = 5000
/** A few people for the seconds that it takes. */
const MIN_HONEST = 50
const MEGABYTE = 1024 * 1024
/** A quiet server has about 130; what 5,000 connections, streams that nobody reads and gigabytes may add is bounded. */
const MAX_RESIDENT_MB = 600

/** What the rude ones are to do, and what they were answered. */
export interface RudeOrder {
  port: number
  host: string
  origin: string
  cookie: string
  idle: number
  slow: number
  slowReaders: number
  abortedUpgrades: number
  hugeBytes: number
}
export interface RudeOutcome {
  hugeToAuth: number
  hugeToApi: number
  uploaded: number
  manyCookies: number
  tooManyCookies: number
  deepJson: number
  deepObject: number
  openAtTheEnd: number
  tunnels: number
  tunnelsLeft: number
}

afterAll(stopAll)

test('slow headers and bodies, 4,000 idle connections, readers that stand still, aborted upgrades, 1 GB bodies, 200 cookies, deep JSON: every honest request is answered within 5 s by the same process, in bounded memory', async () => {
  const rude = await startRude()
  const server = await startServer({
    settings: {
      LOG_LEVEL: 'warn',
      UPSTREAMS: JSON.stringify([{ name: 'sink', target: `http://127.0.0.1:${rude.port}`, websocket: true }]),
    },
  })
  const { pid } = server
  const { browsers } = await gather(server, 6)
  const [villain, ...honest] = browsers as [LoggedBrowser, ...LoggedBrowser[]]
  const quiet = await liveHonestly(server, honest, sleep(2000))
  const before = usageOf(pid)

  const outcome = rude.misbehave({
    port: server.port,
    host: new URL(server.origin).host,
    origin: server.origin,
    cookie: villain.jar.header() ?? '',
    idle: 4000,
    slow: 100,
    slowReaders: 20,
    abortedUpgrades: 200,
    hugeBytes: 1024 * MEGABYTE,
  })
  const beside = await liveHonestly(server, honest, outcome)
  const {
    hugeToAuth,
    hugeToApi,
    uploaded,
    manyCookies,
    tooManyCookies,
    deepJson,
    deepObject,
    openAtTheEnd,
    tunnels,
    tunnelsLeft,
  } = await outcome

  expect(beside.statuses.filter(status => status !== 200)).toEqual([])
  expect(beside.milliseconds.filter(ms => ms > HONEST_MS)).toEqual([])
  expect(beside.milliseconds.length).toBeGreaterThan(MIN_HONEST)
  expect({ hugeToAuth, hugeToApi, manyCookies, tooManyCookies, deepJson, deepObject }).toEqual({
    hugeToAuth: 413,
    hugeToApi: 200,
    manyCookies: 200,
    tooManyCookies: 431,
    deepJson: 400,
    deepObject: 400,
  })
  expect(uploaded).toBeGreaterThanOrEqual(1024 * MEGABYTE)
  expect(openAtTheEnd).toBeGreaterThan(4000)
  // Of those who left while the server dialled, or later, none is kept at the API.
  expect(tunnels).toBeGreaterThan(0)
  expect(tunnelsLeft).toBe(0)
  expect(beside.peakBytes / MEGABYTE).toBeLessThan(MAX_RESIDENT_MB)
  expect(server.running && server.pid === pid).toBe(true)
  expect(server.output).not.toMatch(/"level":"error"|"level":50/)
  expect(wronged(honest)).toEqual([])

  // With them goes the API.
  await rude.leave()
  await expect.poll(() => usageOf(pid).descriptors, { timeout: 30_000 }).toBeLessThan(before.descriptors + 50)
  for (const browser of honest) expect((await browser.page('/account')).text).toContain(browser.person.email)
  report('rude-clients', {
    openConnections: openAtTheEnd,
    tunnels,
    residentBeforeMb: Math.round(before.residentBytes / MEGABYTE),
    residentPeakMb: Math.round(beside.peakBytes / MEGABYTE),
    ...named('quiet', percentiles(quiet.milliseconds)),
    ...named('beside', percentiles(beside.milliseconds)),
  })
  await server.stop('SIGKILL')
})

function named(prefix: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${prefix} ${name}`, value]))
}

/** A few people who sign in, look at pages and call the API, one call after the other each, until `until`. */
async function liveHonestly(
  server: Server,
  browsers: readonly LoggedBrowser[],
  until: Promise<unknown>,
): Promise<{ statuses: number[]; milliseconds: number[]; peakBytes: number }> {
  const statuses: number[] = []
  const milliseconds: number[] = []
  let peakBytes = 0
  let over = false
  void until.finally(() => (over = true)).catch(() => {})
  await Promise.all(
    browsers.map(async browser => {
      for (let n = 0; !over; n++) {
        const started = performance.now()
        statuses.push((await honestCall(browser, n)).status)
        milliseconds.push(performance.now() - started)
        peakBytes = Math.max(peakBytes, usageOf(server.pid).residentBytes)
        await sleep(50)
      }
    }),
  )
  return { statuses, milliseconds, peakBytes }
}

function honestCall(browser: LoggedBrowser, n: number): Promise<Answer> {
  switch (n % 5) {
    case 0:
      return browser.get('/auth/session')
    case 1:
      return browser.page('/account')
    case 2:
      return browser.get('/api/sink/hello')
    case 3:
      return signInElsewhere(browser)
    default:
      return browser.post('/api/sink/hello', { n })
  }
}

async function signInElsewhere({ origin, person: { email, password } }: LoggedBrowser): Promise<Answer> {
  const device = new Visitor(origin)
  const answer = await device.post('/auth/login', { email, password })
  device.close()
  return answer
}

interface Rude {
  port: number
  misbehave(order: RudeOrder): Promise<RudeOutcome>
  leave(): Promise<void>
}

async function startRude(): Promise<Rude> {
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'tests/support/faults/rude.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>(done => child.on('exit', () => done()))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async <T>() => JSON.parse(String((await lines.next()).value)) as T
  const { port } = await next<{ port: number }>()
  return {
    port,
    misbehave(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      return next<RudeOutcome>()
    },
    async leave() {
      child.stdin.end()
      await ended
    },
  }
}
