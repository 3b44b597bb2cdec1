import { afterAll, describe, expect, test as alone } from 'vitest'
import type { SessionAnswer, WireSession } from '../../server/contract/wire.ts'
import { Visitor } from '../support/client.ts'
import { codeIn, invite, setUp, signIn, somebody } from '../support/people.ts'
import { begin, comeBack, providerSetting, walkThroughProvider } from '../support/provider-visit.ts'
import { ALMA, startProvider } from '../support/provider.ts'
import { freePort, sleep, stopAll, waitUntil } from '../support/server.ts'
import type { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, sessionsIn, whileRunning, wronged } from '../support/faults/checker.ts'
import { gather } from '../support/faults/crowd.ts'
import { type ClockedServer, startWithClock } from '../support/faults/faketime.ts'
import { faketime, testWith } from '../support/faults/machine.ts'

// With the numbers that people have: an access token of 15 minutes, 12 hours idle, 30 days at most.
const ACCESS_S = 900
const HOUR_S = 3600
const DAY_S = 86_400
/** What passes between a reading here and one there. */
const SLACK_MS = 30_000

afterAll(stopAll)

const test = testWith(faketime)

/** Sets the clock and lets a second pass: so long is an access token shared by requests that come together. */
async function leap({ setClock }: ClockedServer, seconds: number): Promise<void> {
  setClock(seconds)
  await sleep(1200)
}

// Most of it is waiting; what waits longest comes first.
describe.concurrent('the wall clock leaps under a running server', () => {
  test('+400 days: housekeeping notices the leap and deletes nothing by it', async () => {
    const { server, setClock } = await startWithClock()
    const { browsers } = await gather(server, 4)
    setClock(400 * DAY_S)
    // The first pass comes a minute after the start.
    await waitUntil(
      () => server.output.includes('"clock_jumped"'),
      'housekeeping to notice',
      () => server.output,
      90_000,
    )
    expect(whileRunning(server.dataDir, sessionsIn).size).toBe(
      browsers.length + 1 + new Set(browsers.map(browser => browser.person)).size,
    )
    setClock(0)
    for (const browser of browsers) await expectCurrent(browser, 0)
    expect(wronged(browsers)).toEqual([])
    await server.stop()
  })

  test('±60 s: nobody is signed out, with tokens that are good and with ones that are due', async () => {
    const { server, setClock } = await startWithClock()
    const { browsers } = await gather(server, 6)
    for (const offset of [60, 0, -60, 0, 60, -60, 0]) {
      setClock(offset)
      for (const [at, browser] of browsers.entries()) {
        if (at % 2 === 0) browser.letAccessEnd()
        expect((await browser.session()).user?.email).toBe(browser.person.email)
        expect((await browser.get('/auth/sessions')).status).toBe(200)
        expect((await browser.get('/api/notes')).status).toBe(200)
      }
    }
    expect(wronged(browsers)).toEqual([])
    expect(whileRunning(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])
    await server.stop()
  })

  test('+1 h and back: no access token is good past its end or before its beginning; renewals go on, on the clock that never leaps', async () => {
    const clocked = await startWithClock()
    const { server } = clocked
    const { browsers } = await gather(server, 4)
    const accessOnly = browsers.map(browser => withoutRefresh(browser))
    for (const thief of accessOnly) expect((await thief.session()).user).not.toBeNull()

    await leap(clocked, HOUR_S)
    for (const thief of accessOnly) expect((await thief.session()).user).toBeNull()
    for (const browser of browsers) {
      const before = browser.generation
      await expectCurrent(browser, HOUR_S)
      // The generation was sent a moment ago by the monotonic clock, so it is not traded for the next.
      expect(browser.generation).toBe(before)
    }
    const fromTheFuture = browsers.map(browser => withoutRefresh(browser))

    await leap(clocked, 0)
    for (const thief of fromTheFuture) expect((await thief.session()).user).toBeNull()
    for (const browser of browsers) await expectCurrent(browser, 0)
    expect(wronged(browsers)).toEqual([])
    await server.stop()
  })

  for (const [name, offset] of [
    ['−1 h', -HOUR_S],
    ['−1 day', -DAY_S],
  ] as const)
    test(`${name} and back: nobody is signed out, no token is good for longer, no end moves`, async () => {
      const clocked = await startWithClock()
      const { server } = clocked
      const { admin, browsers } = await gather(server, 4)
      const ends = await Promise.all(browsers.map(async browser => (await browser.session()).session?.absoluteEndsAt))
      const accessOnly = browsers.map(browser => withoutRefresh(browser))
      const code = await invite(admin)

      await leap(clocked, offset)
      for (const thief of accessOnly) expect((await thief.session()).user).toBeNull()
      for (const [at, browser] of browsers.entries()) {
        const session = await expectCurrent(browser, offset)
        expect(session.absoluteEndsAt).toBe(ends[at])
      }
      expect((await admin.stranger().post('/auth/register', { ...somebody(), invite: code })).status).toBe(200)

      await leap(clocked, 0)
      for (const browser of browsers) await expectCurrent(browser, 0)
      expect(wronged(browsers)).toEqual([])
      expect(whileRunning(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])
      await server.stop()
    })

  test('+1 h: who comes back from a provider comes too late for a sign-in of ten minutes', async () => {
    const provider = await startProvider()
    const port = await freePort()
    const registered = await provider.addClient({ site: `http://localhost:${port}`, as: 'plain' })
    const clocked = await startWithClock(
      { REGISTRATION: 'open', PROVIDERS: JSON.stringify([providerSetting('plain', provider.issuer, registered)]) },
      port,
    )
    const { origin } = clocked.server
    await setUp(origin)
    const signInAfter = async (leapsTo: number) => {
      const browser = new Visitor(origin)
      const back = await walkThroughProvider(
        new Visitor(provider.issuer),
        await begin(browser, { as: 'plain', returnTo: '/account' }),
        ALMA,
      )
      await leap(clocked, leapsTo)
      return (await comeBack(browser, back)).headers.location
    }
    expect(await signInAfter(0)).toBe('/account')
    expect(await signInAfter(HOUR_S)).toMatch(/problem=login_expired/)
    await provider.goDown()
    await clocked.server.stop()
  })

  test('+400 days and back: every session, token and link is over, and none comes back to life', async () => {
    const clocked = await startWithClock()
    const { server } = clocked
    const { admin, browsers } = await gather(server, 4)
    const code = await invite(admin)
    const { user } = (await (browsers[0] as LoggedBrowser).session()) satisfies SessionAnswer
    const reset = codeIn((await admin.post(`/auth/people/${user?.id ?? ''}/reset`)).json<{ href: string }>().href)

    await leap(clocked, 400 * DAY_S)
    for (const browser of browsers) {
      const kept = browser.jar.header()
      expect(await browser.session()).toMatchObject({ user: null, session: null, ended: 'idle' })
      expect((await browser.get('/auth/sessions')).status).toBe(401)
      expect((await browser.get('/api/notes')).status).toBe(401)
      expect(browser.jar.header()).toBe(kept)
    }
    const stranger = admin.stranger()
    expect((await stranger.post('/auth/register', { ...somebody(), invite: code })).json()).toMatchObject({
      code: 'invalid_code',
    })
    expect((await stranger.post('/auth/reset', { code: reset, password: somebody().password })).json()).toMatchObject({
      code: 'invalid_code',
    })
    // Who signs in then has a session of then, and what they ask an API with is of then.
    const then = await signIn(server.origin, (browsers[0] as LoggedBrowser).person)
    expect((await then.get('/api/notes')).status).toBe(200)

    await leap(clocked, 0)
    for (const browser of browsers) expect(await browser.session()).toMatchObject({ user: null, ended: 'idle' })
    expect((await admin.session()).user?.name).toBe('Ada First')
    await server.stop()
  })
})

alone('the product has no switch for its clock', async () => {
  const { SETTING_KEYS } = await import('../../server/config/settings.ts')
  expect(SETTING_KEYS.filter(key => /clock|time|now|date/i.test(key))).toEqual([])
})

/** A copy of a browser's access token, without the refresh token beside it. */
function withoutRefresh(browser: LoggedBrowser): Visitor {
  const thief = browser.thief()
  thief.jar.drop('refresh')
  return thief
}

/**
 * Signed in, with an access token that is good by the server's clock and for no longer than its life; and so is what an
 * API is asked with.
 */
async function expectCurrent(browser: LoggedBrowser, offsetSeconds: number): Promise<WireSession> {
  const { user, session } = await browser.session()
  expect(user?.email).toBe(browser.person.email)
  const left = (session?.accessEndsAt ?? 0) - (Date.now() + offsetSeconds * 1000)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(ACCESS_S * 1000 + SLACK_MS)
  expect((await browser.get('/api/notes')).status).toBe(200)
  return session as WireSession
}
