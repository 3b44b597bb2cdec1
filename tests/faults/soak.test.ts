import { randomInt } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, onDisk, wronged } from '../support/faults/checker.ts'
import { gather, inLanes } from '../support/faults/crowd.ts'
import { percentiles, report } from '../support/faults/figures.ts'
import { HEAP_OPTIONS, liveHeapBytes } from '../support/faults/heap.ts'
import { usageOf } from '../support/faults/machine.ts'
import { openStream } from '../support/faults/stream.ts'

/** FAULTS_SOAK_SECONDS=600 soaks for ten minutes, 14400 for four hours. */
const SECONDS = Number(process.env['FAULTS_SOAK_SECONDS'] ?? 60)
/** One person each, and few enough changes that nobody meets the rate of what one account may write. */
const BROWSERS = 30
/** As short as a busy machine's delays allow: a call under way for longer than `late` is no honest one. */
const SETTINGS = { ACCESS_SECONDS: '12', REFRESH_CONFIRM_SECONDS: '1', REFRESH_GRACE_SECONDS: '10', LOG_LEVEL: 'warn' }
const MEGABYTE = 1024 * 1024
/**
 * A heap is let grow before it is tidied, so its size says little: what is left of it after a collection does. A leak
 * grows with the calls; the caches of sessions and cookies do too, until they are full.
 */
const heapMayGrowByMb = (calls: number) => Math.min(6 + calls / 1000, 48)
/** Past this the process would die. */
const MAX_HEAP_MB = 256
const MAX_RESIDENT_MB = 600
/**
 * Connections come and go, and those to an API are kept for a while. One left behind by every stream that somebody
 * watched would be more.
 */
const MAX_DESCRIPTORS_MORE = 60
/** SQLite begins the log anew after 4 MB; a reader may keep it from that for a moment. */
const MAX_LOG_MB = 16

afterAll(stopAll)

interface Reading {
  residentMb: number
  descriptors: number
  logMb: number
}

/** One life of the process: readings while it serves. */
interface Life {
  seconds: number
  readings: Reading[]
  killed: boolean
}

test(
  `${SECONDS} s of everything that people do, with kill -9 in between: nobody is signed out, and memory, descriptors and the log do not grow`,
  async () => {
    const environment = { NODE_OPTIONS: `--max-old-space-size=${MAX_HEAP_MB} ${HEAP_OPTIONS}` }
    let server = await startServer({ settings: SETTINGS, environment })
    const { port, dataDir } = server
    const { browsers } = await gather(server, BROWSERS, BROWSERS)
    const soak = new Soak(browsers)
    const lives: Life[] = []
    const until = performance.now() + (SECONDS * 1000 * 2) / 3

    soak.begin()
    while (performance.now() < until) {
      lives.push(await live(server, randomInt(3000, 16_000), true))
      await server.stop('SIGKILL')
      soak.pause()
      expect(onDisk(dataDir, db => complaints(db, soak.browsers, { alive: true }))).toEqual([])
      server = await startServer({ dataDir, port, settings: SETTINGS, environment })
      soak.resume()
    }
    // The last third is one long life: growth shows in one that is not cut short.
    const lastLifeMs = (SECONDS * 1000) / 3
    const first = await live(server, lastLifeMs / 4, false)
    const callsThen = soak.milliseconds.length
    const heapThen = (await liveHeapBytes(server)) / MEGABYTE
    const rest = await live(server, (lastLifeMs * 3) / 4, false)
    const heap = (await liveHeapBytes(server)) / MEGABYTE
    const callsBetween = soak.milliseconds.length - callsThen
    lives.push(first, rest)
    expect(server.running, server.output).toBe(true)
    await soak.end()

    await inLanes(4, soak.browsers, async browser => {
      expect((await browser.session()).user?.email).toBe(browser.person.email)
    })
    expect(wronged(soak.browsers)).toEqual([])
    expect(soak.surprises).toEqual([])
    const [early, late] = [mean(first.readings), mean(rest.readings.slice(-first.readings.length))]
    expect(heap - heapThen, `growth of the heap in ${callsBetween} calls`).toBeLessThan(heapMayGrowByMb(callsBetween))
    expect(late.residentMb).toBeLessThan(MAX_RESIDENT_MB)
    expect(late.descriptors - early.descriptors, 'growth of open files and sockets').toBeLessThan(MAX_DESCRIPTORS_MORE)
    expect(Math.max(...lives.flatMap(life => life.readings.map(reading => reading.logMb)))).toBeLessThan(MAX_LOG_MB)
    await server.stop('SIGKILL')
    expect(onDisk(dataDir, db => complaints(db, soak.browsers, { alive: true }))).toEqual([])
    const kills = lives.filter(life => life.killed).length
    expect(kills).toBeGreaterThan(1)
    report('soak', {
      seconds: SECONDS,
      kills,
      calls: soak.milliseconds.length + soak.lost,
      lostInKills: soak.lost,
      signIns: soak.signIns,
      renewals: soak.renewals(),
      signedOut: 0,
      lastLifeSeconds: Math.round(first.seconds + rest.seconds),
      callsBetween,
      heapThenMb: Math.round(heapThen * 10) / 10,
      heapMb: Math.round(heap * 10) / 10,
      earlyMb: Math.round(early.residentMb),
      lateMb: Math.round(late.residentMb),
      earlyDescriptors: Math.round(early.descriptors),
      lateDescriptors: Math.round(late.descriptors),
      logMb: Math.round(late.logMb * 10) / 10,
      ...percentiles(soak.milliseconds),
    })
  },
  (2 * SECONDS + 300) * 1000,
)

async function live(server: Server, forMs: number, killed: boolean): Promise<Life> {
  const started = performance.now()
  const readings: Reading[] = []
  const log = `${databaseFile(server.dataDir)}-wal`
  while (performance.now() - started < forMs) {
    await sleep(Math.min(500, forMs))
    const { residentBytes, descriptors } = usageOf(server.pid)
    readings.push({
      residentMb: residentBytes / MEGABYTE,
      descriptors,
      logMb: existsSync(log) ? statSync(log).size / MEGABYTE : 0,
    })
  }
  return { seconds: (performance.now() - started) / 1000, readings, killed }
}

function mean(readings: readonly Reading[]): Reading {
  const of = (pick: (reading: Reading) => number) =>
    readings.reduce((sum, reading) => sum + pick(reading), 0) / readings.length
  return {
    residentMb: of(reading => reading.residentMb),
    descriptors: of(reading => reading.descriptors),
    logMb: of(reading => reading.logMb),
  }
}

/** What people do meanwhile: each browser one thing after the other, whether or not an answer comes. */
class Soak {
  readonly browsers: LoggedBrowser[]
  readonly milliseconds: number[] = []
  /** Answers that nobody should get. */
  readonly surprises: string[] = []
  lost = 0
  signIns = 0
  #over = false
  #paused = false
  #lanes: Promise<void>[] = []

  constructor(browsers: LoggedBrowser[]) {
    this.browsers = browsers
  }

  begin(): void {
    this.#lanes = this.browsers.map(async browser => {
      while (!this.#over) {
        if (!this.#paused) await this.#doSomething(browser)
        await sleep(randomInt(10, 120))
      }
    })
  }

  /** While there is no server, nobody asks. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  async end(): Promise<void> {
    this.#over = true
    await Promise.all(this.#lanes)
  }

  renewals(): number {
    return this.browsers.reduce((sum, browser) => sum + browser.acknowledged().length - 1, 0)
  }

  async #doSomething(browser: LoggedBrowser): Promise<void> {
    const dice = randomInt(100)
    if (dice < 40) return this.#expect(browser, 'GET', '/auth/session')
    if (dice < 55)
      return this.#expect(browser, 'GET', ['/', '/account', '/notes', '/account/sessions'][randomInt(4)] ?? '/')
    if (dice < 70) return this.#expect(browser, 'GET', '/api/notes')
    if (dice < 76) return this.#writeANote(browser)
    if (dice < 79)
      return this.#expect(browser, 'PATCH', '/auth/user', { name: `${browser.person.name} ${randomInt(1000)}` })
    if (dice < 88) return this.#watch(browser)
    if (dice < 94) return this.#comeAndGo(browser)
    // A handful at once, as a page does that wakes up.
    await Promise.all(Array.from({ length: 8 }, () => this.#expect(browser, 'GET', '/auth/session')))
    // Each over a connection of its own, which would be kept and look like growth.
    browser.close()
  }

  async #expect(browser: LoggedBrowser, method: string, path: string, body?: unknown): Promise<void> {
    const started = performance.now()
    const answer = await browser.attempt({ method, path, body })
    if (answer === null) {
      this.lost += 1
      return
    }
    this.milliseconds.push(performance.now() - started)
    if (answer.status !== 200) this.surprises.push(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
  }

  /** And takes it back, so that there is always room for one. */
  async #writeANote(browser: LoggedBrowser): Promise<void> {
    const answer = await browser.attempt({ method: 'POST', path: '/api/notes', body: { text: 'soaked' } })
    if (answer === null) return
    if (answer.status !== 201) this.surprises.push(`a note: ${answer.status} ${answer.text.slice(0, 200)}`)
    else await browser.attempt({ method: 'DELETE', path: `/api/notes/${answer.json<{ id: string }>().id}` })
  }

  async #watch(browser: LoggedBrowser): Promise<void> {
    const stream = await openStream(browser, '/api/notes/feed').catch(() => null)
    if (stream === null) return
    await Promise.race([sleep(randomInt(500)), stream.ended])
    stream.leave()
    await stream.ended
  }

  /** Somebody signs in on another device and signs out again. */
  async #comeAndGo(browser: LoggedBrowser): Promise<void> {
    const visitor = new LoggedBrowser(browser.origin, browser.person)
    const entered = await visitor.attempt({
      method: 'POST',
      path: '/auth/login',
      body: { email: browser.person.email, password: browser.person.password },
    })
    // Attempts that a kill cut off count as failed until one succeeds; then there is a wait.
    if (entered !== null && ![200, 429].includes(entered.status))
      this.surprises.push(`sign-in: ${entered.status} ${entered.text.slice(0, 200)}`)
    if (entered?.status === 200) this.signIns += 1
    if (entered?.status === 200) await visitor.attempt({ method: 'POST', path: '/auth/logout' })
    visitor.close()
  }
}
