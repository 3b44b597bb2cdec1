import { hash } from '@node-rs/argon2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../accounts/account.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD, testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import { THROTTLE_KEPT_MS } from '../accounts/credential-throttle.ts'
import { knownLock, strangersLock } from '../store/throttle-keys.ts'
import { DEVICE_LIFE_MS, sealDevice } from './known-device.ts'
import { createPasswordLogin, type PasswordLogin } from './password-login.ts'
import { rawOf } from '../store/store.testing.ts'

const problem = (code: string) => expect.objectContaining({ name: 'Problem', code })
const HOUR = 3_600_000

let services: TestPeople
let login: PasswordLogin
let ann: Account

beforeEach(async () => {
  services = testPeople({ registration: 'open' })
  const { people, store, keyring, clock, log, meter } = services
  login = createPasswordLogin({
    accounts: people.accounts,
    passwords: people.passwords,
    throttles: store.throttles,
    keyring,
    clock,
    log,
    meter,
  })
  ann = await people.registration.setUp(
    {
      email: 'ann@example.org',
      name: 'Ann',
      password: GOOD_PASSWORD,
      code: services.codeOf((await people.registration.makeSetupLink()).href),
    },
    CLIENT,
  )
})
afterEach(() => services.close())

const attempt = (more: Partial<Parameters<PasswordLogin['authenticate']>[0]> = {}) =>
  login.authenticate({ email: 'ann@example.org', password: 'wrong', device: null, client: CLIENT, ...more })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'signed_in',
    (error: { code: string }) => error.code,
  )
const right = { password: GOOD_PASSWORD }
const from = (network: string) => ({ client: { ...CLIENT, network } })
const kinds = async () => (await services.people.log.page(ann.id, null)).events.map(event => event.kind)

/** This many consecutive failures occurred long ago. */
async function failedBefore(lane: 'stranger' | 'known', failures: number): Promise<void> {
  const key = lane === 'stranger' ? strangersLock('ann@example.org') : knownLock(ann.id)
  await services.store.throttles.reserveAll([key], () => ({
    writes: [{ key, failures, lastFailureAt: services.wall() - 1000 * HOUR, nextAt: 0 }],
  }))
}

/** Fails this many times, waiting as long as required. */
async function fail(times: number, more: Parameters<typeof attempt>[0] = {}): Promise<void> {
  for (let n = 0; n < times; n++) {
    expect(await codeOf(attempt(more))).toBe('invalid_credentials')
    services.pass(HOUR)
  }
}

describe('signing in with a password', () => {
  test('the right password signs in, whatever the case of the address', async () => {
    expect(await attempt(right)).toEqual({ account: expect.objectContaining({ id: ann.id }) as Account, amr: ['pwd'] })
    expect(await codeOf(attempt({ ...right, email: 'ANN@Example.ORG' }))).toBe('signed_in')
    expect(services.outcomes).toEqual(['signed_in', 'signed_in'])
  })

  test('a disabled account is reported only after its right password', async () => {
    await services.people.accounts.create(
      { email: 'second@example.org', name: 'Second', roles: ['admin'], password: GOOD_PASSWORD },
      OPERATOR,
    )
    await services.people.accounts.change(ann.id, { disabled: true }, OPERATOR)
    expect(await codeOf(attempt())).toBe('invalid_credentials')
    expect(await codeOf(attempt(right))).toBe('account_disabled')
  })

  test('a hash with outdated cost is upgraded at the next sign-in, and the password still works', async () => {
    const passwordSealed = services.keyring.seal(
      'at-rest',
      { hash: await hash(GOOD_PASSWORD, { memoryCost: 4096, timeCost: 1 }) },
      ann.id,
    )
    await services.store.accounts.setPassword(ann.id, passwordSealed, {
      at: 1,
      byUserId: null,
      sessionId: null,
      userAgent: null,
      network: null,
    })
    expect(await codeOf(attempt(right))).toBe('signed_in')
    const renewed = (await services.store.accounts.find(ann.id))?.passwordSealed ?? ''
    expect(await services.keyring.open('at-rest', renewed, ann.id)).toEqual({
      hash: expect.stringContaining('m=19456,t=2,p=1') as string,
    })
    expect(await codeOf(attempt(right))).toBe('signed_in')
  })

  test('passwords of unusual form are compared without an internal error', async () => {
    for (const password of ['\u0000', '\ud83d', 'x'.repeat(4096), '👩‍👩‍👧‍👦', "' or 1=1 --"]) {
      expect(
        await codeOf(
          attempt({ password, email: `${password.slice(0, 20)}@x`, ...from(`2001:db8::${password.length}`) }),
        ),
      ).toBe('invalid_credentials')
    }
  })
})

describe('guessing passwords', () => {
  test('ASVS 6.3.8 an unknown address and a wrong password get the same response after the same hashes, queries and commits', async () => {
    await codeOf(attempt({ email: 'first@example.org', ...from('203.0.113.1') }))
    const spent = async (more: Parameters<typeof attempt>[0]) => {
      const before = { ...services.counts }
      const statements = countStatements(services)
      const error: unknown = await attempt(more).catch((caught: unknown) => caught)
      return { error, statements: statements.stop(), hashes: services.counts.hashes - before.hashes }
    }
    const wrong = await spent({})
    const unknown = await spent({ email: 'nobody@example.org' })
    expect(unknown).toEqual(wrong)
    expect(wrong.hashes).toBe(1)
    expect(wrong.statements).toBeGreaterThan(5)
    expect(wrong.error).toEqual(problem('invalid_credentials'))
  })

  test('ASVS 6.3.8 both are throttled alike', async () => {
    const course = async (email: string, network: string) => {
      const codes: string[] = []
      for (let n = 0; n < 12; n++) {
        codes.push(
          await attempt({ email, ...from(network) }).then(
            () => 'in',
            (error: { code: string; extras: { retryAfter?: number } }) =>
              `${error.code} ${error.extras.retryAfter ?? ''}`,
          ),
        )
        services.pass(20_000)
      }
      return codes
    }
    const known = await course('ann@example.org', '203.0.113.1')
    expect(await course('nobody@example.org', '203.0.113.2')).toEqual(known)
    expect(known.filter(code => code.startsWith('slow_down')).length).toBeGreaterThan(3)
  })

  test('NI-9 ASVS 6.3.1 after five failures attempts get slow_down without a hash, even with the right password, and across a restart', async () => {
    for (let n = 0; n < 5; n++) expect(await codeOf(attempt(from(`203.0.113.${n}`)))).toBe('invalid_credentials')
    const hashes = services.counts.hashes
    const { people, store, keyring, clock, log, meter } = services
    login = createPasswordLogin({
      accounts: people.accounts,
      passwords: people.passwords,
      throttles: store.throttles,
      keyring,
      clock,
      log,
      meter,
    })
    await expect(attempt(right)).rejects.toMatchObject({ code: 'slow_down', extras: { retryAfter: 30 } })
    expect(services.counts.hashes).toBe(hashes)
    services.pass(30_000)
    expect(await codeOf(attempt(right))).toBe('signed_in')
    expect(await codeOf(attempt()), 'the count began again').toBe('invalid_credentials')
  })

  test('ASVS 6.3.1 fifty concurrent attempts cannot bypass the limit', async () => {
    const hashes = services.counts.hashes
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(attempt())))
    expect(codes.filter(code => code === 'invalid_credentials')).toHaveLength(5)
    expect(codes.filter(code => code === 'slow_down')).toHaveLength(45)
    // One more for the dummy hash.
    expect(services.counts.hashes - hashes).toBeLessThanOrEqual(6)
  })

  test('ASVS 6.3.1 a network that tries many addresses is throttled as a whole, an IPv6 one by its /64; others are not', async () => {
    const codes: string[] = []
    for (let n = 0; n < 22; n++)
      codes.push(await codeOf(attempt({ email: `user${n}@example.org`, ...from(`2001:db8::${n + 1}`) })))
    expect(codes.indexOf('slow_down')).toBe(20)
    expect(await codeOf(attempt({ ...right, ...from('2001:db8::ffff') }))).toBe('slow_down')
    expect(await codeOf(attempt({ ...right, ...from('2001:db8:0:1::1') }))).toBe('signed_in')
  })

  test("signing in to one's own account does not reset the network's count", async () => {
    let failed = 0
    for (let n = 0; n < 25; n++) {
      if ((await codeOf(attempt({ email: `user${n}@example.org` }))) === 'invalid_credentials') failed++
      await codeOf(attempt(right))
    }
    expect(failed).toBeLessThanOrEqual(21)
  })

  test('NI-8 after fifty consecutive failures by strangers the password is locked, and logged once', async () => {
    await failedBefore('stranger', 47)
    await fail(2)
    expect(await kinds()).not.toContain('password_locked')
    await fail(1)
    expect(await codeOf(attempt(right)), 'the right one is told no more than a wrong one').toBe('password_locked')
    expect(await codeOf(attempt())).toBe('password_locked')
    services.pass(HOUR)
    expect((await kinds()).filter(kind => kind === 'password_locked')).toHaveLength(1)
    const { href } = await services.people.resets.makeLink(ann.id, OPERATOR)
    await services.people.resets.use({ code: services.codeOf(href), password: 'a second lantern burning' }, CLIENT)
    expect(await codeOf(attempt({ password: 'a second lantern burning' }))).toBe('signed_in')
  })

  test('ASVS 6.3.8 an unknown address is locked alike, at the same attempt and with the same response', async () => {
    const course = async (email: string) => {
      const told: unknown[] = []
      for (let n = 0; n < 53; n++) {
        told.push(
          await attempt({ email, ...from(`203.0.113.${n}`) }).then(
            () => 'in',
            ({ code, extras }: { code: string; extras: object }) => [code, extras],
          ),
        )
        services.pass(HOUR)
      }
      return told
    }
    const known = await course('ann@example.org')
    expect(await course('nobody@example.org')).toEqual(known)
    expect(known.slice(48)).toEqual([
      ['invalid_credentials', {}],
      ['invalid_credentials', {}],
      ['password_locked', {}],
      ['password_locked', {}],
      ['password_locked', {}],
    ])
  })

  test('NI-9 earlier waits end by themselves: after the longest one, the right password signs in', async () => {
    await fail(20)
    expect(await codeOf(attempt(right))).toBe('signed_in')
  })

  test('failure counts cannot fill the disk: beyond their bound the oldest minor ones are dropped, and locks stay', async () => {
    await failedBefore('stranger', 50)
    for (let n = 0; n < 30; n++) await codeOf(attempt({ email: `nobody${n}@example.org`, ...from(`203.0.113.${n}`) }))
    const rows = () => rawOf(services.store).prepare('select count(*) from throttles').pluck().get() as number
    const before = rows()
    expect(await services.store.housekeeping.surplusThrottles(before - 40, 25)).toBe(25)
    expect(await services.store.housekeeping.surplusThrottles(before - 40, 25)).toBe(15)
    expect(await services.store.housekeeping.surplusThrottles(before - 40, 25)).toBe(0)
    expect(rows()).toBe(before - 40)
    expect(await codeOf(attempt(right))).toBe('password_locked')
  })

  test('NI-8 failures count however far apart, and one success resets them', async () => {
    const sparse = async (times: number) => {
      for (let n = 0; n < times; n++) {
        await codeOf(attempt())
        services.pass(20 * 24 * HOUR)
        await services.store.housekeeping.throttles(services.wall() - THROTTLE_KEPT_MS, 1000)
      }
    }
    await failedBefore('stranger', 46)
    await sparse(3)
    expect(await codeOf(attempt(right))).toBe('signed_in')
    await sparse(3)
    expect(await codeOf(attempt(right))).toBe('signed_in')
    await failedBefore('stranger', 46)
    await sparse(4)
    expect(await codeOf(attempt(right))).toBe('password_locked')
  })

  test('an attempt refused as busy does not count', async () => {
    const { people, store, keyring, clock, log, meter } = services
    const busy = {
      ...people.passwords,
      compare: () => Promise.reject(Object.assign(new Error('busy'), { code: 'busy' })),
    }
    const overloaded = createPasswordLogin({
      accounts: people.accounts,
      passwords: busy,
      throttles: store.throttles,
      keyring,
      clock,
      log,
      meter,
    })
    for (let n = 0; n < 30; n++)
      expect(
        await codeOf(
          overloaded.authenticate({ email: 'ann@example.org', password: 'x', device: null, client: CLIENT }),
        ),
      ).toBe('busy')
    expect(await codeOf(attempt(right))).toBe('signed_in')
  })
})

describe('a known device', () => {
  const device = () => sealDevice(services.keyring, null, ann.id, services.wall())

  test("is not affected by strangers' waits or locks, nor by its neighbours", async () => {
    const known = device()
    for (let n = 0; n < 5; n++) await codeOf(attempt())
    expect(await codeOf(attempt(right))).toBe('slow_down')
    expect(await codeOf(attempt({ ...right, device: known }))).toBe('signed_in')
    services.pass(HOUR)
    await failedBefore('stranger', 49)
    await fail(1)
    expect(await codeOf(attempt(right))).toBe('password_locked')
    expect(await codeOf(attempt({ ...right, device: known }))).toBe('signed_in')
    expect(await codeOf(attempt({ ...right, ...from('198.51.100.1') })), 'which unlocks it everywhere, at once').toBe(
      'signed_in',
    )
    for (let n = 0; n < 22; n++) await codeOf(attempt({ email: `user${n}@example.org` }))
    expect(await codeOf(attempt({ ...right, device: known }))).toBe('signed_in')
  })

  test('is throttled itself when it guesses', async () => {
    const known = device()
    for (let n = 0; n < 5; n++) expect(await codeOf(attempt({ device: known }))).toBe('invalid_credentials')
    expect(await codeOf(attempt({ ...right, device: known }))).toBe('slow_down')
    expect(await codeOf(attempt(right)), 'and slows nobody else').toBe('signed_in')
  })

  test('NI-8 known and unknown devices together get at most a hundred attempts', async () => {
    const known = device()
    await failedBefore('stranger', 49)
    await failedBefore('known', 49)
    await fail(1)
    await fail(1, { device: known })
    expect(await codeOf(attempt({ ...right, device: known }))).toBe('password_locked')
    expect(await codeOf(attempt(right))).toBe('password_locked')
  })

  test('NI-8 confirming the password in an active session unlocks it, too', async () => {
    await failedBefore('stranger', 50)
    expect(await codeOf(attempt(right))).toBe('password_locked')
    await login.confirm({ userId: ann.id, sessionId: 's', password: GOOD_PASSWORD, client: CLIENT })
    expect(await codeOf(attempt(right))).toBe('signed_in')
  })

  test('only counts for its own account, unaltered, unexpired, and since the last password change', async () => {
    const other = sealDevice(services.keyring, null, 'somebody else', services.wall())
    const altered = `${device().slice(0, -4)}AAAA`
    const access = services.keyring.seal('access', { id: 'x', userId: ann.id, at: services.wall() })
    const known = device()
    for (let n = 0; n < 5; n++) await codeOf(attempt())
    for (const bad of [other, altered, access, 'junk', ''])
      expect(await codeOf(attempt({ ...right, device: bad }))).toBe('slow_down')
    services.pass(1)
    await services.people.accounts.setPassword(ann.id, 'a second lantern burning', OPERATOR)
    for (let n = 0; n < 5; n++) await codeOf(attempt(from(`203.0.113.${n}`)))
    expect(await codeOf(attempt({ password: 'a second lantern burning', device: known }))).toBe('slow_down')
    const late = device()
    services.pass(DEVICE_LIFE_MS)
    for (let n = 0; n < 5; n++) await codeOf(attempt())
    expect(await codeOf(attempt({ password: 'a second lantern burning', device: late }))).toBe('slow_down')
  })
})

describe('confirming the password', () => {
  const confirm = (password: string) => login.confirm({ userId: ann.id, sessionId: 's', password, client: CLIENT })

  test('returns the current verifier, and is throttled like signing in', async () => {
    expect((await confirm(GOOD_PASSWORD)).verifier).toEqual({
      id: ann.id,
      passwordSealed: (await services.store.accounts.find(ann.id))?.passwordSealed,
    })
    for (let n = 0; n < 5; n++) expect(await codeOf(confirm('wrong'))).toBe('invalid_credentials')
    expect(await codeOf(confirm(GOOD_PASSWORD))).toBe('slow_down')
    expect(
      await codeOf(attempt(right)),
      'a guesser with a stolen session does not keep the owner from signing in',
    ).toBe('signed_in')
    expect(
      (await services.people.log.page(ann.id, null)).events.find(event => event.kind === 'sign_in_failed'),
    ).toMatchObject({ sessionId: 's' })
  })
})

/** Counts the database statements. */
function countStatements({ store }: TestPeople) {
  const prototype = Object.getPrototypeOf(rawOf(store).prepare('select 1')) as Record<
    'run' | 'get' | 'all' | 'raw',
    (...values: unknown[]) => unknown
  >
  const kept = { run: prototype.run, get: prototype.get, all: prototype.all }
  let count = 0
  for (const name of ['run', 'get', 'all'] as const) {
    prototype[name] = function (...values) {
      count++
      return kept[name].apply(this, values)
    }
  }
  return {
    stop() {
      Object.assign(prototype, kept)
      return count
    },
  }
}
