import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DAY, MINUTE, SECOND } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { installation, type Services, signedIn } from '../../tests/support/installation.ts'
import {
  endOf,
  type FailureOutcome,
  MAIN,
  linkThere,
  movableClock,
  signedInThere,
  someProvider,
  someTokens,
  vaultOf,
} from '../../tests/support/vault-stage.ts'
import { RefreshFailure } from './token-client-types.ts'
import { openTokens } from './sealed-tokens.ts'
import { rawOf } from '../store/store.testing.ts'

let clock: ReturnType<typeof movableClock>
let home: ReturnType<typeof installation>
let services: Services
let provider: ReturnType<typeof someProvider>
let vault: ReturnType<typeof vaultOf>

beforeEach(async () => {
  clock = movableClock()
  home = installation(clock)
  services = await home.start()
  provider = someProvider()
  vault = vaultOf(services, provider)
})
afterEach(async () => {
  await vault.stop()
  await services.close()
  home.remove()
})

/** As after a stop in peace: the same data, nothing in memory. */
async function restart(): Promise<void> {
  await vault.stop()
  await crash()
}

/** The same, and what was under way never comes to its end. */
async function crash(): Promise<void> {
  await services.close()
  services = await home.start()
  vault = vaultOf(services, provider)
}

const code = (error: unknown) => (error instanceof Problem ? error.code : String(error))
const outcome = (work: Promise<{ accessToken: string }>) => work.then(tokens => tokens.accessToken, code)
const grantOf = (id: string) => services.store.providerGrants.find(id)

describe('tokens at rest', () => {
  test('ASVS 14.2.4 are sealed for their row: the file holds none of them, and in another row they do not open', async () => {
    const { grantId } = await signedInThere(services, vault)
    const row = await grantOf(grantId)
    expect(row?.sealed).toBeTypeOf('string')
    const file = rawOf(services.store).serialize().toString('latin1')
    expect(['access-first', 'refresh-first'].filter(token => file.includes(token))).toEqual([])
    expect(await services.keys.keyring.open('at-rest', row?.sealed ?? '', 'another')).toBeNull()
  })

  test('are not kept where nothing here needs them', async () => {
    await vault.stop()
    vault = vaultOf(services, provider, { access: false, idToken: true, recheckMs: null })
    const { session, grantId } = await signedInThere(services, vault)
    expect((await grantOf(grantId))?.sealed).toBeNull()
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
  })

  test('come with the session in one transaction: without the one there is not the other', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    const before = await grantOf(grantId)
    if (before === null) throw new Error('no grant')
    // The id is taken, so the insertion of the grant fails.
    const again = services.sessions.open({
      userId: session.userId,
      amr: ['fed'],
      remember: true,
      client: { userAgent: '', network: '' },
      replaces: { publicId: session.publicId, reauthenticates: false },
      newDevice: false,
      basis: { kind: 'provider', authTime: null, endsAt: null, grant: before },
    })
    await expect(again).rejects.toThrow()
    expect(await endOf(services, session.publicId)).toBeNull()
    expect(await services.sessions.list(session.userId)).toHaveLength(1)
  })
})

describe('a token that is not due', () => {
  test('comes from memory, without a query', async () => {
    const { session } = await signedInThere(services, vault)
    await vault.tokenFor(session, MAIN, null)
    const reads = vi.spyOn(services.store.providerGrants, 'ofSession')
    for (let i = 0; i < 10; i++) expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-first')
    expect(reads).not.toHaveBeenCalled()
    expect(provider.asked).toEqual([])
  })

  test("BBA-17 is this session's and no other's, however requests are mixed", async () => {
    const people = await Promise.all(
      ['ada', 'ben', 'cleo'].map(name => signedInThere(services, vault, { email: `${name}@example.org`, name })),
    )
    const mixed = Array.from({ length: 60 }, (_, i) => people[i % 3] ?? people[0])
    const got = await Promise.all(
      mixed.map(one => (one === undefined ? null : vault.tokenFor(one.session, MAIN, null))),
    )
    expect(got.map(tokens => tokens?.accessToken)).toEqual(mixed.map(one => one?.tokens.accessToken))
  })

  test('one who is signed in by a password has none', async () => {
    const { session } = await signedIn(services)
    const refused = await vault.tokenFor(session, MAIN, null).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'provider_sign_in_required', extras: { provider: MAIN } })
  })
})

describe("at the token's end", () => {
  test('BBA-20 200 parallel requests make one token call', async () => {
    const { session } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(601 * SECOND)
    const requests = Array.from({ length: 200 }, () => outcome(vault.tokenFor(session, MAIN, null)))
    await provider.asks(1)
    provider.answer()
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['access-r1']))
    expect(provider.asked).toEqual(['refresh-first'])
  })

  test('shortly before it nobody waits: the token that still holds is served while the next one comes', async () => {
    const { session } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(570 * SECOND)
    const requests = Array.from({ length: 50 }, () => outcome(vault.tokenFor(session, MAIN, null)))
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['access-first']))
    await provider.asks(1)
    provider.answer()
    await vi.waitUntil(async () => (await outcome(vault.tokenFor(session, MAIN, null))) === 'access-r1', {
      timeout: 10_000,
    })
    expect(provider.asked).toEqual(['refresh-first'])
  })

  test('whoever comes with older tokens in memory reads the row anew, and asks nobody', async () => {
    const { session } = await signedInThere(services, vault)
    const other = vaultOf(services, provider)
    expect(await outcome(other.tokenFor(session, MAIN, null))).toBe('access-first')
    clock.ahead(601 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
    expect(await outcome(other.tokenFor(session, MAIN, null))).toBe('access-r1')
    expect(provider.asked).toEqual(['refresh-first'])
    await other.stop()
  })

  test('the new tokens are on disk before anybody gets them', async () => {
    const { session } = await signedInThere(services, vault)
    clock.ahead(601 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
    await restart()
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
  })

  test('a provider that sends no new refresh token keeps the old one good', async () => {
    provider.rotates = false
    const { session } = await signedInThere(services, vault)
    for (let round = 0; round < 3; round++) {
      clock.ahead(601 * SECOND)
      expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe(`access-r${round + 1}`)
    }
    expect(provider.asked).toEqual(['refresh-first', 'refresh-first', 'refresh-first'])
  })

  test('at most so many calls go to one provider at once, and every waiting one is served', async () => {
    const people = []
    for (let i = 0; i < 80; i++) people.push(await signedInThere(services, vault, { name: `n${i}`, replaces: null }))
    provider.holds = true
    clock.ahead(601 * SECOND)
    const requests = Promise.all(people.map(({ session }) => outcome(vault.tokenFor(session, MAIN, null))))
    await provider.asks(32)
    expect(provider.asked).toHaveLength(32)
    for (let i = 0; i < 80; i++) {
      await provider.asks(i + 1)
      provider.answer()
    }
    expect(new Set(await requests).size).toBe(80)
  })

  test('a token that an upstream refused is refreshed once, however many were refused with it', async () => {
    const { session } = await signedInThere(services, vault)
    const refused = Array.from({ length: 20 }, () => outcome(vault.tokenFor(session, MAIN, 'access-first')))
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['access-r1']))
    // An upstream that refuses that one too gets no other for a while.
    expect(await outcome(vault.tokenFor(session, MAIN, 'access-r1'))).toBe('access-r1')
    expect(provider.asked).toEqual(['refresh-first'])
  })
})

describe('a provider that refuses for good', () => {
  test('BBA-21 ends the session that rests on it, with the reason, and no other', async () => {
    const { session } = await signedInThere(services, vault)
    const other = await signedIn(services, 'ben@example.org')
    provider.fails = 'over'
    clock.ahead(601 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('not_signed_in')
    expect(await endOf(services, session.publicId)).toBe('provider_revoked')
    expect(await endOf(services, other.session.publicId)).toBeNull()
    const events = rawOf(services.store)
      .prepare('select kind, reason from events where session_id = ? order by id desc limit 1')
      .get(session.publicId)
    expect(events).toEqual({ kind: 'session_ended', reason: 'provider_revoked' })
  })

  test('ends a linked grant alone: that session is its own, and whoever holds streams hears of it', async () => {
    const { session } = await signedIn(services)
    expect(
      await linkThere(services, vault, session, { subject: 's' }, someTokens('linked', 1000, clock.now().wall)),
    ).toBe(true)
    expect(vault.changed.splice(0)).toEqual([session.publicId])
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-linked')
    provider.fails = 'over'
    clock.ahead(2 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
    expect(vault.changed).toEqual([session.publicId])
    expect(await endOf(services, session.publicId)).toBeNull()
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
    expect(provider.asked).toHaveLength(1)
  })
})

describe('trouble on the way', () => {
  test.each<[FailureOutcome, string]>([
    ['unreachable', 'provider_unavailable'],
    ['cut', 'provider_unavailable'],
    ['refused', 'provider_sign_in_required'],
    ['odd', 'provider_answer_invalid'],
  ])('%s ends nothing', async (trouble, told) => {
    const { session, grantId } = await signedInThere(services, vault)
    provider.fails = trouble
    clock.ahead(601 * SECOND)
    const problem = await vault.tokenFor(session, MAIN, null).catch((error: unknown) => error)
    expect(problem).toMatchObject({ code: told, extras: { provider: MAIN } })
    expect(await endOf(services, session.publicId)).toBeNull()
    expect((await grantOf(grantId))?.endedAt).toBeNull()
    // It is left alone for a moment, and told when to come again.
    const next = await vault.tokenFor(session, MAIN, null).catch((error: unknown) => error)
    expect(next).toMatchObject(
      trouble === 'refused'
        ? { code: 'provider_sign_in_required' }
        : { code: 'provider_unavailable', extras: { retryAfter: 1 } },
    )
    expect(provider.asked).toHaveLength(1)
    provider.fails = null
    clock.ahead(2 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
  })

  test('a token that still holds is used meanwhile', async () => {
    const { session } = await signedInThere(services, vault)
    provider.fails = 'unreachable'
    clock.ahead(595 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-first')
    expect(await outcome(vault.tokenFor(session, MAIN, 'access-first'))).toBe('access-first')
  })

  test('a provider that fails for several is left alone by all, and asked again by itself', async () => {
    const people = []
    for (let i = 0; i < 5; i++)
      people.push(await signedInThere(services, vault, { name: `n${i}`, email: `n${i}@example.org` }))
    provider.fails = 'cut'
    clock.ahead(601 * SECOND)
    for (const { session } of people)
      expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_unavailable')
    expect(provider.asked).toHaveLength(3)
    provider.fails = null
    clock.ahead(31 * SECOND)
    for (const [i, { session }] of people.entries())
      expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe(`access-r${i + 1}`)
  })

  test('a disk that takes no more loses no token: the new ones are used, and written when there is space', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    clock.ahead(601 * SECOND)
    const full = vi.spyOn(services.store.providerGrants, 'save').mockRejectedValue(new Problem('store_unavailable'))
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
    expect((await grantOf(grantId))?.refreshes).toBe(0)
    full.mockRestore()
    await restart()
    expect(await grantOf(grantId)).toMatchObject({ refreshes: 1, refreshingAt: null })
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
  })
})

describe('a stop in peace', () => {
  test('waits for a refresh that nobody waits for: its answer is on disk before the end, and no session is lost', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(570 * SECOND)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-first')
    await provider.asks(1)
    setImmediate(() => provider.answer())
    await restart()
    expect(await grantOf(grantId)).toMatchObject({ refreshes: 1, refreshingAt: null })
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
    expect(provider.asked).toEqual(['refresh-first'])
  })

  test('begins no further refresh, not even for those in line', async () => {
    const people = []
    for (let i = 0; i < 40; i++) people.push(await signedInThere(services, vault, { name: `n${i}` }))
    provider.holds = true
    clock.ahead(601 * SECOND)
    const requests = people.map(({ session }) => outcome(vault.tokenFor(session, MAIN, null)))
    await provider.asks(32)
    const stopped = vault.stop()
    for (let i = 0; i < 32; i++) provider.answer()
    await stopped
    const told = await Promise.all(requests)
    expect(told.filter(one => one === 'provider_unavailable')).toHaveLength(8)
    expect(provider.asked).toHaveLength(32)
    const intents = rawOf(services.store)
      .prepare('select count(*) as left from provider_grants where refreshing_at is not null')
      .get()
    expect(intents).toEqual({ left: 0 })
    provider.holds = false
    await crash()
    for (const { session } of people) expect(await outcome(vault.tokenFor(session, MAIN, null))).toMatch(/^access-r/)
  })
})

describe('an answer that may be lost', () => {
  /** Dies with the call under way: the intent is on disk, the answer nowhere. */
  async function dieWhileRefreshing(session: { publicId: string; userId: string }): Promise<void> {
    provider.holds = true
    vault.tokenFor(session, MAIN, null).catch(() => {})
    await provider.asks(1)
    provider.holds = false
    await crash()
  }

  test('the intent is on disk before the call, and gone with the answer', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(601 * SECOND)
    const waiting = vault.tokenFor(session, MAIN, null)
    await provider.asks(1)
    expect((await grantOf(grantId))?.refreshingAt).toBeGreaterThan(0)
    provider.answer()
    await waiting
    expect((await grantOf(grantId))?.refreshingAt).toBeNull()
  })

  test('after a crash the stored token is shown once more; refused then, the session ends as provider_refresh_lost, told once', async () => {
    const { session } = await signedInThere(services, vault)
    clock.ahead(601 * SECOND)
    await dieWhileRefreshing(session)
    provider.fails = 'over'
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('not_signed_in')
    expect(await endOf(services, session.publicId)).toBe('provider_refresh_lost')
    for (let i = 0; i < 5; i++)
      expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
    expect(provider.asked).toEqual(['refresh-first', 'refresh-first'])
  })

  test('after a crash before the provider acted, nothing is lost', async () => {
    const { session } = await signedInThere(services, vault)
    clock.ahead(601 * SECOND)
    await dieWhileRefreshing(session)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-r1')
    expect(await endOf(services, session.publicId)).toBeNull()
  })

  test.each<[FailureOutcome, string]>([
    ['cut', 'provider_refresh_lost'],
    ['odd', 'provider_refresh_lost'],
    ['unreachable', 'provider_revoked'],
    ['refused', 'provider_revoked'],
  ])('a call that came back %s, then a refusal: %s', async (trouble, reason) => {
    const { session } = await signedInThere(services, vault)
    provider.fails = trouble
    clock.ahead(601 * SECOND)
    await outcome(vault.tokenFor(session, MAIN, null))
    provider.fails = 'over'
    clock.ahead(2 * SECOND)
    await outcome(vault.tokenFor(session, MAIN, null))
    expect(await endOf(services, session.publicId)).toBe(reason)
  })

  test('a later trouble takes no earlier doubt away', async () => {
    const { session } = await signedInThere(services, vault)
    clock.ahead(601 * SECOND)
    for (const trouble of ['cut', 'unreachable', 'over'] as const) {
      provider.fails = trouble
      await outcome(vault.tokenFor(session, MAIN, null))
      clock.ahead(60 * SECOND)
    }
    expect(await endOf(services, session.publicId)).toBe('provider_refresh_lost')
  })
})

describe('when a session ends', () => {
  test('its tokens are given back in the background, and what a sign-out there needs stays for ten minutes', async () => {
    const { session, grantId } = await signedInThere(services, vault, { idToken: 'an.id.token' })
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    await vi.waitUntil(() => provider.revoked.length === 1, { timeout: 10_000 })
    const left = async () => openTokens(services.keys.keyring, await grantOf(grantId))
    await vi.waitUntil(async () => (await left())?.refreshToken === null, { timeout: 10_000 })
    expect(await left()).toMatchObject({ idToken: 'an.id.token', accessToken: '', refreshToken: null, dpopKey: null })
    expect(await vault.cleanUp()).toBe(0)
    clock.ahead(11 * MINUTE)
    expect(await vault.cleanUp()).toBe(1)
    expect(await left()).toBeNull()
    expect(provider.revoked).toEqual(['refresh-first'])
  })

  test('tokens of a provider where nobody can sign out are deleted with the session', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    await vi.waitUntil(async () => (await grantOf(grantId)) === null, { timeout: 10_000 })
    expect(provider.revoked).toEqual(['refresh-first'])
  })

  test('tokens that come while it ends are given back, too', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(601 * SECOND)
    const waiting = outcome(vault.tokenFor(session, MAIN, null))
    await provider.asks(1)
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    provider.answer()
    expect(await waiting).toBe('not_signed_in')
    await vi.waitUntil(async () => (await grantOf(grantId)) === null, { timeout: 10_000 })
    expect(provider.revoked).toEqual(['refresh-r1'])
  })

  test('a provider that is down takes them back later, or after a day not at all', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    const second = await signedInThere(services, vault, { email: 'ben@example.org', name: 'second' })
    provider.fails = 'unreachable'
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    await restart()
    expect(await vault.cleanUp()).toBe(0)
    clock.ahead(11 * MINUTE)
    expect(await vault.cleanUp()).toBe(0)
    provider.fails = null
    clock.ahead(MINUTE)
    expect(await vault.cleanUp()).toBe(1)
    expect(provider.revoked).toEqual(['refresh-first'])
    expect(await grantOf(grantId)).toBeNull()

    provider.fails = 'unreachable'
    await services.sessions.end(second.session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    clock.ahead(DAY + MINUTE)
    expect(await vault.cleanUp()).toBe(1)
  })

  test('what another session may share there is not given back: that would end the other one', async () => {
    const laptop = await signedInThere(services, vault, { name: 'laptop', sid: 'there-1' })
    const again = await signedInThere(services, vault, { name: 'again', sid: 'there-1' })
    const phone = await signedInThere(services, vault, { name: 'phone', sid: 'there-2' })
    await services.sessions.end(laptop.session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    await vi.waitUntil(async () => (await grantOf(laptop.grantId)) === null, { timeout: 10_000 })
    expect(provider.revoked).toEqual([])
    for (const one of [phone, again]) {
      await services.sessions.end(one.session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
      await vi.waitUntil(async () => (await grantOf(one.grantId)) === null, { timeout: 10_000 })
    }
    expect(provider.revoked).toEqual(['refresh-phone', 'refresh-again'])
  })
})

describe('when a session is replaced', () => {
  const reauthenticate = (session: { publicId: string; userId: string }, userId = session.userId) =>
    services.sessions.open({
      userId,
      amr: ['pwd'],
      remember: true,
      client: { userAgent: '', network: '' },
      replaces: { publicId: session.publicId, reauthenticates: false },
      newDevice: false,
      basis: null,
    })

  test('by the same person, its grants go over, and the old session has none', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    await vault.tokenFor(session, MAIN, null)
    const { session: next } = await reauthenticate(session)
    expect(await outcome(vault.tokenFor(next, MAIN, null))).toBe('access-first')
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
    expect(await grantOf(grantId)).toMatchObject({ sessionId: next.publicId, endedAt: null })
    const { session: third } = await reauthenticate(next)
    for (const one of [session, next])
      expect(await outcome(vault.tokenFor(one, MAIN, null))).toBe('provider_sign_in_required')
    expect(await outcome(vault.tokenFor(third, MAIN, null))).toBe('access-first')
    expect(provider.revoked).toEqual([])
  })

  test('during a refresh, what rests on the grant is its successor', async () => {
    const { session } = await signedInThere(services, vault)
    provider.holds = true
    clock.ahead(601 * SECOND)
    const waiting = outcome(vault.tokenFor(session, MAIN, null))
    await provider.asks(1)
    const { session: next } = await reauthenticate(session)
    provider.answer('over')
    expect(await waiting).toBe('not_signed_in')
    expect(await endOf(services, session.publicId)).toBe('replaced')
    expect(await endOf(services, next.publicId)).toBe('provider_revoked')
  })

  test('by a new sign-in at the same provider, the earlier grant is over', async () => {
    const first = await signedInThere(services, vault, { name: 'first', sid: 'a' })
    const second = await signedInThere(services, vault, { name: 'second', sid: 'b', replaces: first.session.publicId })
    expect(await outcome(vault.tokenFor(second.session, MAIN, null))).toBe('access-second')
    await vi.waitUntil(async () => (await grantOf(first.grantId)) === null, { timeout: 10_000 })
    expect(provider.revoked).toEqual(['refresh-first'])
  })

  test('by another person, nothing goes over', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    const other = await signedIn(services, 'ben@example.org')
    const { session: next } = await reauthenticate(session, other.userId)
    expect(await outcome(vault.tokenFor(next, MAIN, null))).toBe('provider_sign_in_required')
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
    await vi.waitUntil(async () => (await grantOf(grantId)) === null, { timeout: 10_000 })
  })
})

describe('token exchange', () => {
  const orders = { name: 'orders', audience: 'orders-api', scopes: [] }

  test('JW-21 gives each upstream a token of its own audience', async () => {
    const { session } = await signedInThere(services, vault)
    const stock = { name: 'stock', audience: 'stock-api', scopes: [] }
    expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('orders-api-for-access-first')
    expect(await outcome(vault.exchange(session, MAIN, stock, null))).toBe('stock-api-for-access-first')
  })

  test("JW-22 a refusal never falls back to the person's own token, and is not asked for by every call", async () => {
    const { session } = await signedInThere(services, vault)
    provider.fails = 'refused'
    for (let i = 0; i < 5; i++)
      expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('provider_refused')
    expect(provider.exchanged).toHaveLength(1)
    provider.fails = null
    clock.ahead(31 * SECOND)
    expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('orders-api-for-access-first')
  })

  test('JW-22 an answer that is the token that was shown is refused', async () => {
    const { session } = await signedInThere(services, vault)
    provider.tokenClient.exchange = async tokens => ({
      accessToken: tokens.accessToken,
      tokenType: 'Bearer',
      endsAt: null,
    })
    expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('provider_answer_invalid')
  })

  test('JW-23 is kept for the session and the audience until shortly before its end, and gone with the session', async () => {
    const { session } = await signedInThere(services, vault)
    const all = await Promise.all(
      Array.from({ length: 100 }, () => outcome(vault.exchange(session, MAIN, orders, null))),
    )
    expect(new Set(all)).toEqual(new Set(['orders-api-for-access-first']))
    expect(provider.exchanged).toHaveLength(1)
    clock.ahead(545 * SECOND)
    await outcome(vault.exchange(session, MAIN, orders, null))
    expect(provider.exchanged).toHaveLength(2)
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
    expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('provider_sign_in_required')
  })

  test("a person's token that is refused there is refreshed once", async () => {
    const { session } = await signedInThere(services, vault)
    const { exchange } = provider.tokenClient
    provider.tokenClient.exchange = async (tokens, target) => {
      if (tokens.accessToken === 'access-first') provider.fails = 'over'
      try {
        return (await exchange?.(tokens, target)) ?? Promise.reject(new Error('none'))
      } finally {
        provider.fails = null
      }
    }
    expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('orders-api-for-access-r1')
  })

  test('a provider that refuses the refreshed one, too, wants to see the person', async () => {
    const { session } = await signedInThere(services, vault)
    provider.tokenClient.exchange = async () =>
      Promise.reject(new RefreshFailure('over', new Problem('provider_refused')))
    for (let i = 0; i < 5; i++)
      expect(await outcome(vault.exchange(session, MAIN, orders, null))).toBe('provider_sign_in_required')
    expect(provider.asked).toHaveLength(1)
  })
})
