import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, endingsIn, sessionsIn, whileRunning, wronged } from '../support/faults/checker.ts'
import { chunks, type Crowd, gather } from '../support/faults/crowd.ts'
import { percentiles, report } from '../support/faults/figures.ts'

const SESSIONS = 100
const PARALLEL = 200
/**
 * Sessions whose storms meet: a thousand calls are open then. More connections at one instant than a listener's queue
 * takes would measure how TCP tries again.
 */
const AT_ONCE = 5
/** Sessions of which a spent token is shown. */
const VICTIMS = 20
/** Sessions of which the token before is shown while it may still be on its way. */
const LATECOMERS = 10
const LATE_MS = 4000
const SETTLE_MS = 1000

let server: Server
let crowd: Crowd

beforeAll(async () => {
  server = await startServer({
    settings: { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '1', REFRESH_GRACE_SECONDS: '4', LOG_LEVEL: 'warn' },
  })
  crowd = await gather(server, SESSIONS)
})
afterAll(stopAll)

/** Every browser's calls at the same instant, all with the cookies that it holds now. */
async function storm(browsers: readonly LoggedBrowser[], path: string): Promise<number[]> {
  const statuses: number[] = []
  for (const some of chunks(browsers, AT_ONCE)) {
    await Promise.all(
      some.flatMap(browser =>
        Array.from({ length: PARALLEL }, async () => statuses.push((await browser.get(path)).status)),
      ),
    )
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
    expect(browsers.map(browser => generations.get(browser.sidHash)?.generation)).toEqual(
      browsers.map(browser => browser.generation),
    )
    report('refresh-storm', {
      sessions: SESSIONS,
      callsEach: PARALLEL,
      callsOpenAtOnce: AT_ONCE * PARALLEL,
      renewals: SESSIONS,
      signedOut: 0,
      seconds: Math.round(seconds * 10) / 10,
      ...percentiles(callsOf(browsers)),
    })
  })

  test(`the token before, ${PARALLEL} times at once within \`late\`: whether or not the next one was seen, everybody is served, nothing is renewed, nobody is signed out`, async () => {
    const latecomers = crowd.browsers.slice(-LATECOMERS)
    const held = latecomers.map(browser => browser.generation)
    for (const proven of [false, true]) {
      for (const browser of latecomers) {
        const late = withSpent(browser)
        if (proven) await browser.session()
        const statuses = await storm([late], '/auth/session')
        expect(statuses).toEqual(Array(PARALLEL).fill(200))
        expect(wronged([late])).toEqual([])
        // An answer that was lost is given again, as the very same token; one that arrived is not.
        expect(new Set(late.acknowledged())).toEqual(new Set(proven ? [] : [browser.jar.value('refresh')]))
      }
      // From then on, what they show is settled.
      await sleep(SETTLE_MS + 200)
    }
    const generations = whileRunning(server.dataDir, sessionsIn)
    expect(latecomers.map(browser => generations.get(browser.sidHash)?.generation)).toEqual(held)
    expect(whileRunning(server.dataDir, db => complaints(db, crowd.browsers, { alive: true }))).toEqual([])
  })

  test(`a spent token after \`late\`, ${PARALLEL} times at once: the session ends once, with one line in the log, for both holders`, async () => {
    const victims = crowd.browsers.slice(0, VICTIMS)
    const others = crowd.browsers.slice(VICTIMS)
    await sleep(SETTLE_MS + 200)
    // They show what they hold: what came before it is spent from then on.
    for (const browser of crowd.browsers) await browser.session()
    await sleep(LATE_MS + 500)
    const thieves = victims.map(withSpent)

    await storm(thieves, '/auth/session')

    for (const { calls } of thieves) {
      expect(calls.map(({ answer }) => answer)).toEqual(
        Array(PARALLEL).fill({ status: 200, acknowledged: null, who: null, ended: 'refresh_reuse' }),
      )
    }
    for (const victim of victims) expect(await victim.session()).toMatchObject({ user: null, ended: 'refresh_reuse' })
    whileRunning(server.dataDir, db => {
      const sessions = sessionsIn(db)
      const endings = endingsIn(db)
      expect(victims.map(victim => endings.get(sessions.get(victim.sidHash)?.public_id ?? ''))).toEqual(
        Array(VICTIMS).fill(1),
      )
      expect(complaints(db, others, { alive: true })).toEqual([])
    })
    for (const browser of others) await browser.session()
    expect(wronged(others)).toEqual([])
  })
})

/** The same browser with the refresh token before the one that it holds, and no access token. */
function withSpent(browser: LoggedBrowser): LoggedBrowser {
  const other = new LoggedBrowser(browser.origin, browser.person)
  other.jar = browser.jar.copy()
  other.jar.set('refresh', browser.acknowledged().at(-2) ?? '')
  other.letAccessEnd()
  return other
}

function callsOf(browsers: readonly LoggedBrowser[]): number[] {
  return browsers.flatMap(({ calls }) => calls.filter(call => call.path === '/auth/session').map(call => call.ms))
}
