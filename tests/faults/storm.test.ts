import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser } from './support/browser.ts'
import { complaints, endingsIn, sessionsIn, whileRunning, wronged } from './support/checker.ts'
import { chunks, type Crowd, gather } from './support/crowd.ts'
import { percentiles, report } from './support/figures.ts'

const SESSIONS = 100
const PARALLEL = 200
/** Sessions whose storms meet: a thousand calls are open then. More connections at one instant than a listener's queue takes would
 * measure how TCP tries again. */
const AT_ONCE = 5
/** Sessions of which a spent token is shown. */
const VICTIMS = 20
const LATE_MS = 3000
const SETTLE_MS = 1000

let server: Server
let crowd: Crowd

beforeAll(async () => {
  server = await startServer({ settings: { ACCESS_SECONDS: '300', SETTLE_SECONDS: '1', LATE_SECONDS: '3', LOG_LEVEL: 'warn' } })
  crowd = await gather(server, SESSIONS)
})
afterAll(stopAll)

/** Every browser's calls at the same instant, all with the cookies that it holds now. */
async function storm(browsers: readonly LoggedBrowser[], path: string): Promise<number[]> {
  const statuses: number[] = []
  for (const some of chunks(browsers, AT_ONCE)) {
    await Promise.all(some.flatMap(browser => Array.from({ length: PARALLEL }, async () => statuses.push((await browser.get(path)).status))))
    for (const browser of some) browser.close()
  }
  return statuses
}

describe('refresh storms', () => {
  test(`${PARALLEL} calls at once in each of ${SESSIONS} sessions: one renewal each, everybody answered, nobody signed out`, async () => {
    const { browsers } = crowd
    // Before then, a generation is not traded for the next.
    await sleep(LATE_MS)
    for (const browser of browsers) browser.letAccessEnd()
    const held = browsers.map(browser => browser.generation)
    const started = performance.now()

    const statuses = await storm(browsers, '/auth/session')

    const seconds = (performance.now() - started) / 1000
    expect(statuses.length).toBe(SESSIONS * PARALLEL)
    expect(statuses.filter(status => status !== 200)).toEqual([])
    expect(browsers.map(browser => browser.generation)).toEqual(held.map(generation => generation + 1))
    expect(new Set(browsers.flatMap(browser => browser.acknowledged())).size).toBe(SESSIONS * 2)
    expect(wronged(browsers)).toEqual([])
    expect(whileRunning(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])
    const generations = whileRunning(server.dataDir, sessionsIn)
    expect(browsers.map(browser => generations.get(browser.sidHash)?.generation)).toEqual(browsers.map(browser => browser.generation))
    report('refresh-storm', { sessions: SESSIONS, callsEach: PARALLEL, callsOpenAtOnce: AT_ONCE * PARALLEL, renewals: SESSIONS, signedOut: 0, seconds: Math.round(seconds * 10) / 10, ...percentiles(callsOf(browsers)) })
  })

  test(`a spent token after \`late\`, ${PARALLEL} times at once: the session ends once, with one line in the log, for both holders`, async () => {
    const victims = crowd.browsers.slice(0, VICTIMS)
    const others = crowd.browsers.slice(VICTIMS)
    const spent = victims.map(browser => browser.acknowledged().at(-2) ?? '')
    await sleep(SETTLE_MS + 200)
    // They show what they hold: what came before it is spent from then on.
    for (const browser of crowd.browsers) await browser.session()
    await sleep(LATE_MS + 500)
    const thieves = victims.map((victim, at) => {
      const thief = new LoggedBrowser(server.origin, victim.person)
      thief.jar = victim.jar.copy()
      thief.jar.set('refresh', spent[at] ?? '')
      thief.letAccessEnd()
      return thief
    })

    await storm(thieves, '/auth/session')

    for (const { calls } of thieves) {
      expect(calls.map(({ answer }) => answer)).toEqual(Array(PARALLEL).fill({ status: 200, acknowledged: null, who: null, ended: 'refresh_reuse' }))
    }
    for (const victim of victims) expect(await victim.session()).toMatchObject({ user: null, ended: 'refresh_reuse' })
    whileRunning(server.dataDir, (db) => {
      const sessions = sessionsIn(db)
      const endings = endingsIn(db)
      expect(victims.map(victim => endings.get(sessions.get(victim.sidHash)?.public_id ?? ''))).toEqual(Array(VICTIMS).fill(1))
      expect(complaints(db, others, { alive: true })).toEqual([])
    })
    for (const browser of others) await browser.session()
    expect(wronged(others)).toEqual([])
  })
})

function callsOf(browsers: readonly LoggedBrowser[]): number[] {
  return browsers.flatMap(({ calls }) => calls.filter(call => call.path === '/auth/session').map(call => call.ms))
}
