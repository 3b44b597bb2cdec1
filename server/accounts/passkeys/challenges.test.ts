import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MINUTE } from '../../base/clock.ts'
import { rawOf } from '../../store/store.testing.ts'
import { testPeople, type TestPeople } from '../accounts.testing.ts'
import { CHALLENGE_LIFE_MS, type ChallengePurpose, type Challenges, createChallenges } from './challenges.ts'

const SIGN_IN: ChallengePurpose = { kind: 'sign_in' }
const CONFIRM: ChallengePurpose = { kind: 'confirm', userId: 'ann', sessionId: 'hers' }
const expired = expect.objectContaining({ code: 'login_expired' }) as unknown

let services: TestPeople
let challenges: Challenges
beforeEach(() => {
  services = testPeople()
  challenges = createChallenges({ ...services, singleUses: services.store.singleUses })
})
afterEach(() => services.close())

/** A browser's cookies. */
function browser() {
  const kept = new Map<string, string>()
  return {
    begin(purpose: ChallengePurpose = SIGN_IN) {
      const { id, sealed, challenge } = challenges.begin(purpose)
      kept.set(id, sealed)
      return challenge
    },
    take(id: string) {
      const sealed = kept.get(id) ?? null
      kept.delete(id)
      return sealed
    },
    peek: (id: string) => kept.get(id) ?? null,
  }
}

describe('a challenge for passkeys', () => {
  test('UX-9 has at least 128 random bits, and differs each time', () => {
    const { begin } = browser()
    const [one, other] = [begin(), begin()].map(each => Buffer.from(each, 'base64url').toString().split('.')[1] ?? '')
    expect(Buffer.from(one ?? '', 'base64url')).toHaveLength(24)
    expect(one).not.toBe(other)
  })

  test('UX-9 is answered once: one of fifty concurrent answers is taken', async () => {
    const { begin, peek } = browser()
    const challenge = begin()
    const opened = await challenges.open('sign_in', challenge, peek)
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => challenges.use(opened)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: expired })
  })

  test('UX-9 is worth nothing in another browser, and does not disturb that one', async () => {
    const [one, other] = [browser(), browser()]
    const [challenge, theirs] = [one.begin(), other.begin()]
    await expect(challenges.open('sign_in', challenge, other.take)).rejects.toEqual(expired)
    expect(await challenges.open('sign_in', theirs, other.take)).toMatchObject({ challenge: theirs })
  })

  test('two tabs of one browser can be answered in either order', async () => {
    const { begin, take } = browser()
    const [first, second] = [begin(), begin()]
    expect(await challenges.open('sign_in', second, take)).toMatchObject({ challenge: second })
    expect(await challenges.open('sign_in', first, take)).toMatchObject({ challenge: first })
    await expect(challenges.open('sign_in', first, take)).rejects.toEqual(expired)
  })

  test('UX-9 lives for five minutes, and not before it was made', async () => {
    const { begin, peek } = browser()
    const challenge = begin()
    services.pass(CHALLENGE_LIFE_MS - 1)
    expect(await challenges.open('sign_in', challenge, peek)).toMatchObject({ purpose: SIGN_IN })
    services.pass(1)
    await expect(challenges.open('sign_in', challenge, peek)).rejects.toEqual(expired)
    services.setBack(CHALLENGE_LIFE_MS + MINUTE + 1)
    await expect(challenges.open('sign_in', challenge, peek)).rejects.toEqual(expired)
  })

  test('JW-12 is worth nothing for another purpose', async () => {
    const { begin, peek } = browser()
    const [signIn, confirm] = [begin(), begin(CONFIRM)]
    await expect(challenges.open('confirm', signIn, peek)).rejects.toEqual(expired)
    await expect(challenges.open('register', confirm, peek)).rejects.toEqual(expired)
    expect((await challenges.open('confirm', confirm, peek)).purpose).toEqual(CONFIRM)
  })

  test('is not found in what is no challenge of ours, whatever the browser keeps', async () => {
    const asked: string[] = []
    const sealed = services.keyring.seal('login', { transaction: {} }, 'x')
    const take = (id: string) => {
      asked.push(id)
      return sealed
    }
    const texts = ['', '.', 'x', `${'x'.repeat(65)}.${'y'.repeat(32)}`, `é.${'y'.repeat(32)}`, `x.${'y'.repeat(31)}`]
    for (const text of texts) {
      const challenge = Buffer.from(text, 'latin1').toString('base64url')
      await expect(challenges.open('sign_in', challenge, take)).rejects.toEqual(expired)
    }
    expect(asked).toEqual([])
    const challenge = Buffer.from(`x.${'y'.repeat(32)}`).toString('base64url')
    await expect(challenges.open('sign_in', challenge, take)).rejects.toEqual(expired)
    expect(asked).toEqual(['x'])
  })

  test('leaves nothing here unless it is answered', async () => {
    const { begin, peek } = browser()
    const challenge = begin()
    const uses = () => rawOf(services.store).prepare('SELECT count(*) FROM single_uses').pluck().get()
    const opened = await challenges.open('sign_in', challenge, peek)
    expect(uses()).toBe(0)
    await challenges.use(opened)
    expect(uses()).toBe(1)
  })
})
