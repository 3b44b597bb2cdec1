import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import { createTransactions, LOGIN_LIFE_MS, transactionIdOf, type Transactions } from './transactions.ts'
import type { Purpose } from './types.ts'
import { rawOf } from '../store/store.testing.ts'

const SIGN_IN: Purpose = { kind: 'sign_in', remember: false, invite: null }
const expired = expect.objectContaining({ code: 'login_expired' })

let services: TestPeople
let transactions: Transactions
beforeEach(() => {
  services = testPeople()
  transactions = createTransactions({
    clock: services.clock,
    keyring: services.keyring,
    singleUses: services.store.singleUses,
  })
})
afterEach(() => services.close())

const begin = async (provider = 'main', purpose: Purpose = SIGN_IN, returnTo = '/notes', room = 1500) => {
  const begun = await transactions.begin(provider, purpose, returnTo, room)
  return { ...begun, id: begun.transaction.id, search: `?code=x&state=${begun.transaction.state}` }
}
const use = async (provider: string, search: string, sealed: string | null) => {
  const transaction = await transactions.open(provider, search, sealed)
  await transactions.use(transaction)
  return transaction
}
const uses = () => rawOf(services.store).prepare('SELECT count(*) FROM single_uses').pluck().get()

describe('a transaction', () => {
  test('OA-4 OA-5 has new secrets of 256 bits each time, and is restored unchanged', async () => {
    const [one, other] = [await begin(), await begin()]
    for (const name of ['verifier', 'nonce'] as const) {
      expect(Buffer.from(one.transaction[name], 'base64url')).toHaveLength(32)
      expect(one.transaction[name]).not.toBe(other.transaction[name])
    }
    expect(one.transaction.state).not.toBe(other.transaction.state)
    expect(await use('main', one.search, one.sealed)).toEqual(one.transaction)
    expect(one.sealed).not.toContain(one.transaction.verifier)
  })

  test('OA-6 is used once: one of fifty concurrent uses succeeds', async () => {
    const { search, sealed } = await begin()
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => use('main', search, sealed)))
    expect(outcomes.filter(one => one.status === 'fulfilled')).toHaveLength(1)
    expect(uses()).toBe(1)
  })

  test('two in one browser can be finished in either order', async () => {
    const [one, other] = [await begin(), await begin()]
    expect(await use('main', other.search, other.sealed)).toEqual(other.transaction)
    expect(await use('main', one.search, one.sealed)).toEqual(one.transaction)
  })

  test("OA-5 fails without its cookie, with another transaction's cookie, or with another state", async () => {
    const [one, other] = [await begin(), await begin()]
    const wrong: [string, string | null][] = [
      [one.search, null],
      [one.search, ''],
      [one.search, other.sealed],
      [one.search, `${one.sealed.slice(0, -2)}xx`],
      [`?state=${one.id}.${other.transaction.state.split('.')[1] ?? ''}`, one.sealed],
      [`?state=${one.id}.`, one.sealed],
      [`?state=${one.id}`, one.sealed],
      ['', one.sealed],
      [`${one.search}&state=${one.transaction.state}`, one.sealed],
    ]
    for (const [search, sealed] of wrong) await expect(use('main', search, sealed), search).rejects.toEqual(expired)
    expect(uses(), 'and is used up by none of it').toBe(0)
    expect(await use('main', one.search, one.sealed)).toEqual(one.transaction)
  })

  test('OA-10 begun at one provider cannot be finished at another', async () => {
    const { search, sealed } = await begin('main')
    await expect(use('other', search, sealed)).rejects.toEqual(expired)
  })

  test('expires after ten minutes, and is not extended by setting the clock back', async () => {
    const early = await begin()
    services.pass(LOGIN_LIFE_MS - 1)
    expect(await use('main', early.search, early.sealed)).toEqual(early.transaction)
    const late = await begin()
    services.pass(LOGIN_LIFE_MS)
    await expect(use('main', late.search, late.sealed)).rejects.toEqual(expired)
    services.pass(-2 * LOGIN_LIFE_MS)
    await expect(use('main', late.search, late.sealed)).rejects.toEqual(expired)
  })

  test('leaves nothing here if abandoned; if used, it is forgotten once expired', async () => {
    for (let n = 0; n < 20; n++) await begin()
    expect(uses()).toBe(0)
    const { search, sealed } = await begin()
    await use('main', search, sealed)
    const { housekeeping } = services.store
    expect(await housekeeping.singleUses(services.wall() + LOGIN_LIFE_MS, 100)).toBe(0)
    expect(await housekeeping.singleUses(services.wall() + 2 * LOGIN_LIFE_MS, 100)).toBe(1)
  })

  test('CK-4 takes no more of a cookie than available, dropping its destination if necessary', async () => {
    const purpose: Purpose = { kind: 'sign_in', remember: true, invite: 'i'.repeat(200) }
    for (const returnTo of [`/${'x'.repeat(1900)}`, `/${'%E2%80%8B'.repeat(230)}`]) {
      const { sealed, transaction } = await begin('main', purpose, returnTo, 1000)
      expect(sealed.length).toBeLessThanOrEqual(1000)
      expect(transaction).toMatchObject({ purpose, returnTo: '/' })
    }
    const { sealed, search, transaction } = await begin('main', purpose, `/${'x'.repeat(500)}`, 1450)
    expect(sealed.length).toBeLessThanOrEqual(1450)
    expect(transaction.returnTo).toBe(`/${'x'.repeat(500)}`)
    expect(await use('main', search, sealed)).toEqual(transaction)
  })

  test('CK-5 is short: five without a destination fit into two and a half kilobytes', async () => {
    expect((await begin('a-provider-with-the-longest-name', SIGN_IN, '/')).sealed.length).toBeLessThan(500)
    expect(
      (
        await begin(
          'a-provider-with-the-longest-name',
          { kind: 'link', userId: 'u'.repeat(22), sessionId: 's'.repeat(22) },
          '/account',
        )
      ).sealed.length,
    ).toBeLessThan(550)
  })

  test('ids sort by time, so that the oldest is known', async () => {
    const names: string[] = []
    for (let n = 0; n < 7; n++) {
      names.push((await begin()).id)
      services.pass(n === 3 ? 40_000_000_000 : 1)
    }
    expect([...names].sort()).toEqual(names)
    expect(names.every(id => transactionIdOf(`?state=${id}.${'s'.repeat(43)}`) === id)).toBe(true)
  })
})
