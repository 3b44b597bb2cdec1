import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { HOUR, MINUTE, type UnixMs } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { noMeter } from '../base/meter.ts'
import { loadConfig } from '../config/load-config.ts'
import { createPasswordLogin } from '../login/password-login.ts'
import { readDevice } from '../login/known-device.ts'
import { cookieName, cookieValues, readSessionCookies } from '../session/cookie-names.ts'
import { buildServices, type Services } from './services.ts'

// Data folders as released versions left them, one for each (docs/guides/releasing.md): today's code opens them, and
// whoever used them notices nothing. The clock is that of the day on which they were made.

const RELEASES = join(import.meta.dirname, '../../tests/support/releases')
const CLIENT = { userAgent: 'Firefox', network: '203.0.113.9' }
const TRAITS = { renews: true, foreground: true }
const NAMES = { access: cookieName('access', false), refresh: cookieName('refresh', false) }

/** What happened before a folder was kept. */
interface Kept {
  /** When its server stopped. */
  at: UnixMs
  people: { email: string; name: string; password: string }[]
  /** Living sessions, by the `Cookie` header of their browsers. */
  sessions: { email: string; cookie: string }[]
  /** The code of an open invitation. */
  invitation: string
}

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function copyOf(release: string): { dataDir: string; kept: Kept } {
  const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-release-'))
  closing.push(() => rmSync(dataDir, { recursive: true, force: true }))
  // Git keeps no other permissions, and a key file that others can read is refused.
  for (const name of ['keys.json', 'porchlight.db'])
    writeFileSync(join(dataDir, name), readFileSync(join(RELEASES, release, name)), { mode: 0o600 })
  return { dataDir, kept: JSON.parse(readFileSync(join(RELEASES, release, 'people.json'), 'utf8')) as Kept }
}

async function open(dataDir: string, now: { wall: UnixMs }): Promise<Services> {
  const { config } = await loadConfig(
    { PORCHLIGHT_DATA_DIR: dataDir, PORCHLIGHT_PUBLIC_URL: 'http://localhost:4410', PORCHLIGHT_REGISTRATION: 'invite' },
    dataDir,
  )
  const clock = { now: () => ({ wall: now.wall, steady: now.wall }) }
  const services = await buildServices({
    config,
    clock,
    log: createLog('silent'),
    meter: noMeter,
    tracing: null,
    what: 'a test',
    waitMs: 2000,
  })
  closing.push(() => services.close())
  return services
}

describe.each(readdirSync(RELEASES))('the data folder of %s', release => {
  test('opens: its sessions live on, before and after a renewal, and its browsers are known', async () => {
    const { dataDir, kept } = copyOf(release)
    const now = { wall: kept.at + MINUTE }
    const { sessions, people, keys } = await open(dataDir, now)
    expect(kept.sessions.length).toBeGreaterThan(2)
    for (const { email, cookie } of kept.sessions) {
      const [device = null] = cookieValues(cookie, cookieName('device', false))
      const known = await readDevice(keys.keyring, device, now.wall)
      const early = await sessions.resolve(readSessionCookies(cookie, NAMES), TRAITS)
      expect(early).toMatchObject({ state: 'live', issued: null, session: { userId: known?.userId } })
      expect((await people.accounts.findActive(known?.userId ?? ''))?.email).toBe(email)
    }
    now.wall += HOUR
    for (const { cookie } of kept.sessions) {
      const late = await sessions.resolve(readSessionCookies(cookie, NAMES), TRAITS)
      expect(late).toMatchObject({ state: 'live', issued: expect.anything() })
      const [fresh = ''] = (late.state === 'live' && late.issued !== null && sessions.cookiesFor(late.issued)) || []
      expect(fresh).toMatch(/^porchlight-(?:access|refresh)=/)
    }
  })

  test('opens: its people sign in with their passwords, and its links work', async () => {
    const { dataDir, kept } = copyOf(release)
    const { people, store, keys, clock, log } = await open(dataDir, { wall: kept.at + HOUR })
    const { accounts, passwords } = people
    const { keyring } = keys
    const login = createPasswordLogin({
      accounts,
      passwords,
      throttles: store.throttles,
      keyring,
      clock,
      log,
      meter: noMeter,
    })
    for (const { email, name, password } of kept.people) {
      const proven = await login.authenticate({ email, password, device: null, client: CLIENT })
      expect(proven.account).toMatchObject({ email, name })
      const wrong = login.authenticate({ email, password: `${password}!`, device: null, client: CLIENT })
      await expect(wrong).rejects.toMatchObject({ code: 'invalid_credentials' })
    }
    const request = {
      email: 'cy@example.org',
      name: 'Cy',
      password: 'narrow stair 5557771113 lamp',
      invite: kept.invitation,
    }
    expect(await people.registration.register(request, CLIENT)).toMatchObject({ email: 'cy@example.org' })
  })
})
