import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { LOCK_AT } from '../../accounts/credential-throttle.ts'
import { toEmailKey } from '../../base/email-key.ts'
import { strangersLock } from '../../store/throttle-keys.ts'
import { type AccountStage, accountStage } from '../../../tests/support/account-stage.ts'

// Many people behind one address (an office, a school, a mobile network), in the very same moment.

const OFFICE = '192.0.2.7'
const WRONG = 'a lantern that was never lit'
const MINUTE = 60_000

let stage: AccountStage
beforeEach(async () => {
  stage = await accountStage({ registration: 'invite' })
})
afterEach(() => stage.close())

const emailOf = (n: number) => `colleague-${n}@example.org`
const signIn = async (email: string, password: string, network = OFFICE) =>
  (await stage.json('/auth/login', { email, password }, network)).status
const many = <T>(length: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length }, (_, n) => make(n)))
const count = (statuses: readonly number[], status: number) => statuses.filter(one => one === status).length

describe('ASVS 6.3.1 behind one address', () => {
  test('fifty colleagues who sign in at once with their right passwords all get in', async () => {
    for (let n = 0; n < 50; n++) await stage.create(emailOf(n))
    const statuses = await many(50, n => signIn(emailOf(n), GOOD_PASSWORD))
    expect(count(statuses, 200)).toBe(50)
    expect(await signIn(emailOf(0), WRONG), 'and none of them is counted as failed').toBe(401)
  }, 60_000)

  test('forty who accept their invitations at once all get in', async () => {
    await stage.create('first@example.org')
    const codes = await many(40, () => stage.invitation(null))
    const statuses = await many(40, async n => {
      const fields = { email: emailOf(n), name: 'New', password: GOOD_PASSWORD, invite: codes[n] ?? '' }
      return (await stage.json('/auth/register', fields, OFFICE)).status
    })
    expect(count(statuses, 200)).toBe(40)
  }, 60_000)

  test('one person may sign in with ten browsers at once', async () => {
    await stage.create(emailOf(0))
    expect(count(await many(10, () => signIn(emailOf(0), GOOD_PASSWORD)), 200)).toBe(10)
  })

  test('a guesser among them still has twenty tries, then waits, and nobody’s right password ends the wait', async () => {
    for (let n = 0; n < 20; n++) await stage.create(emailOf(n))
    const statuses = await many(90, n =>
      n % 3 === 0 ? signIn(emailOf(n / 3), GOOD_PASSWORD) : signIn(`guess-${n}@example.org`, WRONG),
    )
    expect(count(statuses, 401)).toBe(20)
    expect(await signIn(emailOf(0), GOOD_PASSWORD)).toBe(429)
    stage.pass(31_000)
    expect(await signIn(emailOf(0), GOOD_PASSWORD)).toBe(200)
    const next = await many(20, n =>
      n === 0 ? signIn(emailOf(1), GOOD_PASSWORD) : signIn(`guess-${n}@example.org`, WRONG),
    )
    expect(count(next, 401), 'one more for each wait').toBe(1)
    stage.pass(31_000)
    expect(await signIn(emailOf(0), GOOD_PASSWORD), 'the wait has doubled').toBe(429)
  }, 60_000)

  test('the last try before the lock, made with the right password, is not the one that locks others out', async () => {
    await stage.create(emailOf(0))
    const key = strangersLock(toEmailKey(emailOf(0)))
    await stage.store.throttles.reserveAll([key], () => ({
      writes: [{ key, failures: LOCK_AT - 1, lastFailureAt: 0, nextAt: 0 }],
    }))
    const networks = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    const statuses = await Promise.all(networks.map(network => signIn(emailOf(0), GOOD_PASSWORD, network)))
    expect(statuses).toEqual([200, 200, 200])
    stage.pass(MINUTE)
  })
})
