import { afterAll, expect, test } from 'vitest'
import type { Visitor } from '../support/client.ts'
import { load, startFiles } from '../support/deploy/load.ts'
import { setUp, signUp } from '../support/people.ts'
import { freePort, SETUP_CODE, sleep, stopAll, temporaryFolder } from '../support/server.ts'
import { stopSupervisors, Supervisor } from '../support/supervisor.ts'

/** Refresh tokens rotate between restarts: not within the grace time after a start. */
const LIVES = { ACCESS_SECONDS: '6', REFRESH_CONFIRM_SECONDS: '1', REFRESH_GRACE_SECONDS: '4' }
const PEOPLE = 4
const RESTARTS = 3
const BETWEEN_MS = 8000

afterAll(async () => {
  stopSupervisors()
  await stopAll()
})

async function stage() {
  const [files, port] = [await startFiles(), await freePort()]
  const origin = `http://localhost:${port}`
  const supervisor = Supervisor.start([{ port, host: '127.0.0.1' }], {
    ...LIVES,
    PUBLIC_URL: origin,
    DATA_DIR: temporaryFolder(),
    SETUP_CODE,
    TRUSTED_PROXIES: '127.0.0.1',
    UPSTREAMS: JSON.stringify([{ name: 'files', target: files.origin, methods: ['POST'] }]),
  })
  await supervisor.listening()
  const { browser: admin } = await setUp(origin)
  const visitors: Visitor[] = []
  for (let n = 0; n < PEOPLE; n++) visitors.push((await signUp(admin)).browser)
  return { supervisor, visitors, files }
}

async function underLoad(signal: NodeJS.Signals) {
  const { supervisor, visitors, files } = await stage()
  const { outcomes, stop } = load(visitors)
  for (let n = 0; n < RESTARTS; n++) {
    await sleep(BETWEEN_MS)
    await supervisor.restart(signal)
    await supervisor.listening()
  }
  await sleep(BETWEEN_MS)
  await stop()
  files.stop()
  const failures = outcomes.filter(({ failure }) => failure !== null)
  const slowest = Math.max(...outcomes.map(({ ms }) => ms))
  process.stdout.write(
    `restarts by ${signal}: ${outcomes.length} requests, ${failures.length} failed, the slowest took ${(slowest / 1000).toFixed(1)} s\n`,
  )
  return { supervisor, visitors, outcomes, failures }
}

test('restarts under a supervisor that holds the socket fail no request: sessions, pages, uploads, renewals', async () => {
  const { supervisor, visitors, outcomes, failures } = await underLoad('SIGTERM')
  expect(supervisor.ends).toEqual(Array(RESTARTS).fill('0'))
  expect(failures).toEqual([])
  for (const what of ['session', 'page', 'upload', 'slow upload'])
    expect(outcomes.filter(outcome => outcome.what === what).length, what).toBeGreaterThan(PEOPLE * RESTARTS)
  for (const visitor of visitors) {
    expect((await visitor.session()).user).not.toBeNull()
    const renewals = visitor.jar.received.filter(({ name }) => name.endsWith('-refresh'))
    expect(renewals.length, 'renewed across restarts').toBeGreaterThan(1)
  }
  expect(supervisor.output).not.toMatch(/"event":"(?:session_ended|requests_cut_off|stop_timed_out)"/)
})

test('after kill -9 only requests in progress are lost: no wrong answer, no session', async () => {
  const { supervisor, visitors, failures } = await underLoad('SIGKILL')
  expect(supervisor.ends).toEqual(Array(RESTARTS).fill('SIGKILL'))
  // A connection that was cut is the only failure.
  for (const { failure } of failures)
    expect(failure).toMatch(/^Error: (?:socket hang up|read ECONNRESET|write EPIPE|write ECONNRESET|aborted)$/)
  expect(failures.length, 'at most what was open at each kill').toBeLessThanOrEqual(RESTARTS * PEOPLE * 4)
  for (const visitor of visitors) expect((await visitor.session()).user).not.toBeNull()
  expect(supervisor.output).not.toContain('"event":"session_ended"')
})
