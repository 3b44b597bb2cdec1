import { randomInt } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { LoggedBrowser } from './support/browser.ts'
import { complaints, onDisk, wronged } from './support/checker.ts'
import { gather } from './support/crowd.ts'
import { report } from './support/figures.ts'

const SESSIONS = 200
const ROUNDS = 30
const LATE_MS = 1000
/** What is renewed in this suite is renewed because its browser let go of the access token: lives need not be waited for. */
const SETTINGS = { ACCESS_SECONDS: '300', SETTLE_SECONDS: '0', LATE_SECONDS: '1', LOG_LEVEL: 'warn' }

afterAll(stopAll)

const again = (server: Server) => startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })

test(`kill -9 in the middle of ${SESSIONS} renewals at once, ${ROUNDS} times: what was answered is kept, lost answers are given again, no spent token is good`, async () => {
  let server = await startServer({ settings: SETTINGS })
  const { browsers } = await gather(server, SESSIONS)
  const honest = new Set(browsers)
  let answered = 0
  let lost = 0
  let committedUnanswered = 0

  for (let round = 0; round < ROUNDS; round++) {
    // Earlier, a generation is sent again instead of being traded for the next.
    await sleep(LATE_MS + 50)
    // Not always the same ones are the last to be answered.
    const alive = [...honest].sort(() => randomInt(3) - 1)
    for (const browser of alive) browser.letAccessEnd()
    const held = new Map(alive.map(browser => [browser, browser.generation]))
    const killAfter = randomInt(1, alive.length)
    let arrived = 0
    await Promise.all(alive.map(async (browser) => {
      if (await browser.attempt({ path: '/auth/session' }) === null) return
      arrived += 1
      if (arrived === killAfter) await server.stop('SIGKILL')
    }))
    await server.stop('SIGKILL')

    const renewed = alive.filter(browser => browser.generation > (held.get(browser) ?? 0))
    answered += renewed.length
    lost += alive.length - renewed.length
    onDisk(server.dataDir, (db) => {
      expect(complaints(db, alive, { alive: true }), `round ${round}`).toEqual([])
      const stored = new Map(db.prepare<[], { sid_hash: string, generation: number }>('SELECT sid_hash, generation FROM sessions').all().map(row => [row.sid_hash, row.generation]))
      committedUnanswered += alive.filter(browser => (stored.get(browser.sidHash) ?? 0) > browser.generation).length
    })

    server = await again(server)
    // One of them was copied long ago: a token from two generations back is never good, also not for a server that has just started.
    const victim = alive.find(browser => browser.acknowledged().length > 2)
    if (victim !== undefined) {
      honest.delete(victim)
      await expectSpent(server, victim)
    }
    await Promise.all([...honest].map(async (browser) => {
      const { user } = await browser.session()
      expect(user?.email).toBe(browser.person.email)
    }))
    expect(wronged([...honest])).toEqual([])
  }

  // Nothing is left of the past of those who lived through it all.
  for (const browser of honest) if (browser.acknowledged().length > 2) await expectSpent(server, browser)
  await server.stop('SIGKILL')
  expect(onDisk(server.dataDir, db => complaints(db, browsers, { alive: false }))).toEqual([])
  // Kills that never hit a renewal would prove nothing.
  expect(answered).toBeGreaterThan(0)
  expect(lost).toBeGreaterThan(0)
  report('kill', { kills: ROUNDS, renewalsAtOnce: SESSIONS, answered, lost, committedButUnanswered: committedUnanswered, signedOut: 0 })
}, 600_000)

/** Shows a token that this browser held once, from before the last two. It ends the session. */
async function expectSpent(server: Server, browser: LoggedBrowser): Promise<void> {
  const spent = browser.acknowledged().slice(0, -2)
  const thief = new LoggedBrowser(server.origin, browser.person)
  thief.jar = browser.jar.copy()
  thief.letAccessEnd()
  thief.jar.set('refresh', spent[randomInt(spent.length)] ?? '')
  expect(await thief.session()).toMatchObject({ user: null, session: null, ended: 'refresh_reuse' })
}
