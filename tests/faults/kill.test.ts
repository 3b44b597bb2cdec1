import { randomInt } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser, tokenParts } from '../support/faults/browser.ts'
import { complaints, onDisk, sessionsIn, wronged } from '../support/faults/checker.ts'
import { gather } from '../support/faults/crowd.ts'
import { report } from '../support/faults/figures.ts'

const SESSIONS = 200
const ROUNDS = 30
const LATE_MS = 1000
/**
 * What is renewed in this suite is renewed because its browser let go of the access token: lives need not be waited
 * for.
 */
const SETTINGS = { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '0', REFRESH_GRACE_SECONDS: '1', LOG_LEVEL: 'warn' }

afterAll(stopAll)

const again = (server: Server) => startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })

test(`kill -9 in the middle of ${SESSIONS} renewals at once, ${ROUNDS} times: what was answered is kept, lost answers are given again, no spent token is good`, async () => {
  let server = await startServer({ settings: SETTINGS })
  const { browsers } = await gather(server, SESSIONS)
  let answered = 0
  let lost = 0
  let committedUnanswered = 0
  let inTheMiddle = 0

  for (let round = 0; round < ROUNDS; round++) {
    // Earlier, a generation is sent again instead of being traded for the next.
    await sleep(LATE_MS + 50)
    for (const browser of browsers) browser.letAccessEnd()
    const held = new Map(browsers.map(browser => [browser, browser.generation]))
    const killAfter = randomInt(1, SESSIONS)
    let arrived = 0
    // Not always the same ones are the last to be answered.
    await Promise.all(
      shuffled(browsers).map(async browser => {
        if ((await browser.attempt({ path: '/auth/session' })) === null) return
        arrived += 1
        if (arrived === killAfter) await server.stop('SIGKILL')
      }),
    )
    await server.stop('SIGKILL')

    const renewed = browsers.filter(browser => browser.generation > (held.get(browser) ?? 0)).length
    answered += renewed
    lost += SESSIONS - renewed
    if (renewed > 0 && renewed < SESSIONS) inTheMiddle += 1
    onDisk(server.dataDir, db => {
      expect(complaints(db, browsers, { alive: true }), `round ${round}`).toEqual([])
      const stored = sessionsIn(db)
      committedUnanswered += browsers.filter(
        browser => (stored.get(browser.sidHash)?.generation ?? 0) > browser.generation,
      ).length
    })

    server = await again(server)
    // One of them was copied long ago: a token from two generations back is never good, also not for a server that has
    // just started.
    const victim = shuffled(browsers).find(browser => spentTokens(browser).length > 0)
    if (victim !== undefined) {
      await expectSpent(server, victim)
      await victim.signIn()
    }
    await Promise.all(
      browsers.map(async browser => {
        const { user } = await browser.session()
        expect(user?.email).toBe(browser.person.email)
      }),
    )
    expect(wronged(browsers)).toEqual([])
  }

  // Nothing is left of the past of those who lived through it all.
  for (const browser of browsers) if (spentTokens(browser).length > 0) await expectSpent(server, browser)
  await server.stop('SIGKILL')
  expect(onDisk(server.dataDir, db => complaints(db, browsers, { alive: false }))).toEqual([])
  report('kill', {
    kills: ROUNDS,
    renewalsAtOnce: SESSIONS,
    inTheMiddle,
    answered,
    lost,
    committedButUnanswered: committedUnanswered,
    signedOut: 0,
  })
  // Kills before the first answer or after the last would prove nothing, and neither would answers that were lost with
  // what they tell.
  expect(inTheMiddle).toBeGreaterThan(ROUNDS / 2)
  expect(committedUnanswered).toBeGreaterThan(0)
}, 600_000)

/** What this browser held of its session, from before the last two. */
function spentTokens(browser: LoggedBrowser): string[] {
  return browser
    .acknowledged()
    .filter(token => tokenParts(token).sidHash === browser.sidHash)
    .slice(0, -2)
}

/** Shows one of them. It ends the session. */
async function expectSpent(server: Server, browser: LoggedBrowser): Promise<void> {
  const spent = spentTokens(browser)
  const thief = new LoggedBrowser(server.origin, browser.person)
  thief.jar = browser.jar.copy()
  thief.letAccessEnd()
  thief.jar.set('refresh', spent[randomInt(spent.length)] ?? '')
  expect(await thief.session()).toMatchObject({ user: null, session: null, ended: 'refresh_reuse' })
  thief.close()
}

function shuffled<T>(list: readonly T[]): T[] {
  const rest = [...list]
  return list.flatMap(() => rest.splice(randomInt(rest.length), 1))
}
