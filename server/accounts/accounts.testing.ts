import { type Clock, DAY, HOUR, MINUTE } from '../base/clock.ts'
import { captureLog } from '../base/log.testing.ts'
import { type CounterName, type Meter, noMeter } from '../base/meter.ts'
import { Secret } from '../base/secret.ts'
import { toBrand } from '../config/brand-settings.ts'
import type { MailConfig } from '../config/mail-settings.ts'
import { toLinkLives } from '../config/lives.ts'
import { OWN_SITE, type Site } from '../config/site-settings.ts'
import type { Config } from '../config/types.ts'
import type { TokenApi } from '../config/token-api-settings.ts'
import type { Registration } from '../contract/wire.ts'
import { newRoot } from '../keys/file.ts'
import { createKeyring } from '../keys/keyring.ts'
import { createSessions } from '../session/sessions.ts'
import { retrying } from '../store/retrying.testing.ts'
import { testStore } from '../store/store.testing.ts'
import { createPeople, type People } from './build-accounts.ts'

/** A clock that the test advances. */
export function handClock(wall = 1_800_000_000_000) {
  const at = { wall, steady: 0 }
  const clock: Clock = { now: () => ({ ...at }) }
  return {
    clock,
    pass: (ms: number) => {
      at.wall += ms
      at.steady += ms
    },
    setBack: (ms: number) => {
      at.wall -= ms
    },
    wall: () => at.wall,
  }
}

export const CLIENT = {
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  network: '192.0.2.1',
}
export const GOOD_PASSWORD = 'a lantern left burning'

/** For tests of this room and those that depend on it: real services on a real database in a folder of its own. */
export function testPeople(
  options: {
    publicUrl?: string
    registration?: Registration
    setupCode?: string
    linkDays?: number
    tokenApi?: TokenApi
    site?: Site
    testSignIn?: string
    mail?: MailConfig
    breachedPasswords?: string
    secondFactor?: Config['secondFactor']
    rememberSecondFactorDays?: number
  } = {},
) {
  const time = handClock()
  const { clock } = time
  const { log, lines, events } = captureLog()
  const opened = testStore(clock, log, options.mail !== undefined)
  // Decisions inside a transaction must be repeatable, because a store may retry them.
  const store = retrying(opened.store)
  const keyring = createKeyring([newRoot(time.wall())])
  const counts = { hashes: 0, statements: 0 }
  const outcomes: string[] = []
  const meter: Meter = {
    count: (name: CounterName, labels) => {
      if (name === 'sign_ins_total') outcomes.push(labels?.['outcome'] ?? '')
    },
    gauge() {},
    observe: name => {
      if (name === 'password_hash_seconds') counts.hashes++
    },
  }
  const settings = {
    accessMs: 15 * MINUTE,
    confirmMs: MINUTE,
    graceMs: 10 * MINUTE,
    idleMs: 7 * DAY,
    browserIdleMs: 12 * HOUR,
    absoluteMs: 30 * DAY,
    maxSessions: 100,
    secureCookies: true,
  }
  const idle = { every: () => () => {} }
  const sessions = createSessions({
    clock,
    timers: idle,
    log,
    meter: noMeter,
    store: store.sessions,
    keyring,
    settings,
  })
  const config = {
    publicUrl: options.publicUrl ?? 'https://porch.example',
    registration: options.registration ?? 'invite',
    linkLives: toLinkLives(options.linkDays),
    setupCode: options.setupCode === undefined ? null : new Secret(options.setupCode),
    passwordMinLength: 15,
    breachedPasswords: options.breachedPasswords ?? null,
    brand: toBrand(),
    mail: options.mail ?? null,
    secureCookies: true,
    site: options.site ?? OWN_SITE,
    tokenApi: options.tokenApi ?? null,
    secondFactor: options.secondFactor ?? 'optional',
    rememberSecondFactorMs: (options.rememberSecondFactorDays ?? 0) * DAY,
    testSignIn: options.testSignIn === undefined ? null : new Secret(options.testSignIn),
  }
  const people: People = createPeople({ store, sessions, keyring, clock, log, meter, config })
  return {
    ...time,
    store,
    keyring,
    sessions,
    people,
    config,
    log,
    lines,
    events,
    meter,
    counts,
    outcomes,
    /** The code in a link. */
    codeOf: (href: string | null) => decodeURIComponent(href?.split('#code=')[1] ?? ''),
    async close() {
      await sessions.close()
      opened.remove()
    },
  }
}

export type TestPeople = ReturnType<typeof testPeople>
