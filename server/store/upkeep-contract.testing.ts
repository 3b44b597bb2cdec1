import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY } from '../base/clock.ts'
import {
  accountRecord,
  codeRecord,
  grantRecord,
  identityRecord,
  NOW,
  ORIGIN,
  sessionRecord,
} from './records.testing.ts'
import type { Cursor, EndedSession, ProviderGrantRecord, SessionRecord, Store } from './types.ts'

/** What a store of everything promises about walks through it, single uses, and ending whatever there is. */
export function upkeepContract(name: string, open: () => { store: Store; remove(): void }): void {
  describe(`upkeep of ${name}`, () => {
    let opened: ReturnType<typeof open>
    let store: Store

    beforeEach(async () => {
      opened = open()
      store = opened.store
      const how = { invite: null, rolesDecided: false, mayBeFirst: true }
      await store.identities.create(accountRecord('ann'), identityRecord('i'), how, ORIGIN)
    })
    afterEach(() => opened.remove())

    const insert = (session: SessionRecord, grant: ProviderGrantRecord | null = null) =>
      store.sessions.insert({ session, replaces: null, passwordSetAt: null, grant, limit: null, newDevice: false })
    /** Sessions that were opened by a sign-in at the provider, each with a grant of its own. */
    const signInThere = (...ids: string[]) =>
      Promise.all(ids.map(id => insert(sessionRecord(id), grantRecord(`g-${id}`))))
    const endAll = (...ids: string[]) =>
      Promise.all(
        ids.map((id, n) => store.sessions.end(id, { reason: 'signed_out', at: NOW + n, userId: null, byUserId: null })),
      )

    /** Walks to the end, two at a time. */
    async function walk<Page extends { next: Cursor | null }>(look: (after: Cursor | null) => Promise<Page>) {
      const pages: Page[] = []
      let after: Cursor | null = null
      do {
        const page = await look(after)
        pages.push(page)
        after = page.next
      } while (after !== null && pages.length < 100)
      return pages
    }

    test('of many who use one name at once, one gets it; another name is another', async () => {
      const used = await Promise.all(Array.from({ length: 20 }, () => store.singleUses.use('a', NOW)))
      expect(used.filter(Boolean)).toHaveLength(1)
      expect([await store.singleUses.use('a', NOW + DAY), await store.singleUses.use('b', NOW)]).toEqual([false, true])
      expect(await store.housekeeping.singleUses(NOW + 1, 10)).toBe(2)
      expect(await store.singleUses.use('a', NOW)).toBe(true)
    })

    test('the counter and the checks of keys are kept, each kind for itself', async () => {
      const { keyRecords } = store
      expect([await keyRecords.counter(), await keyRecords.keyChecks('roots')]).toEqual([0, []])
      await keyRecords.setCounter(7)
      await keyRecords.setKeyChecks('roots', [{ id: 'k', check: 'c' }])
      expect(await keyRecords.counter()).toBe(7)
      expect(await keyRecords.keyChecks('roots')).toEqual([{ id: 'k', check: 'c' }])
      expect(await keyRecords.keyChecks('signing')).toEqual([])
    })

    test('sessions are counted as living until they end or are past an end, however many calls it takes', async () => {
      // Two ends alike: a page may stop between them.
      const ends = [NOW + 5, NOW + 5, NOW + 5, NOW + 6, NOW + 7]
      await Promise.all(ends.map((absoluteEndsAt, n) => insert(sessionRecord(`s${n}`, { absoluteEndsAt }))))
      await insert(sessionRecord('over', { absoluteEndsAt: NOW }))
      await insert(sessionRecord('idle', { lastSeenAt: NOW - 10, idleMs: 10, absoluteEndsAt: NOW + 6 }))
      await endAll('s4')
      for (const limit of [1, 2, 3, 100]) {
        let after: Cursor | null = null
        let total = 0
        do {
          const page: { living: number; next: Cursor | null } = await store.housekeeping.countLiving(NOW, after, limit)
          total += page.living
          after = page.next
        } while (after !== null)
        expect(total, `by ${limit}`).toBe(4)
      }
    })

    test('the keys in use are those of living sessions, however many calls it takes to look at all', async () => {
      await Promise.all(
        ['k1', 'k2', 'k2', 'k3', 'k4'].map((tagKeyId, n) => insert(sessionRecord(`s${n}`, { tagKeyId }))),
      )
      await insert(sessionRecord('over', { tagKeyId: 'k5', absoluteEndsAt: NOW }))
      await endAll('s3')
      const pages = await walk(after => store.keyRecords.tagKeysInUse(NOW, after, 2))
      expect(pages.length).toBeGreaterThan(2)
      expect([...new Set(pages.flatMap(({ ids }) => ids))].sort()).toEqual(['k1', 'k2', 'k4'])
    })

    test('grants that are over come the longest first, a page at a time, while some are removed', async () => {
      await signInThere('a', 'b', 'c', 'd', 'e', 'living')
      await endAll('e', 'd', 'c', 'b', 'a')
      const seen: string[] = []
      await walk(async after => {
        const page = await store.providerGrants.over(NOW + 4, after, 2)
        seen.push(...page.grants.map(({ id }) => id))
        for (const { id } of page.grants.slice(0, 1)) await store.providerGrants.remove(id)
        return page
      })
      expect(seen, 'the last ended later').toEqual(['g-e', 'g-d', 'g-c', 'g-b'])
    })

    test('sessions with a grant that are past their end are told, and no others', async () => {
      await signInThere('a', 'b')
      await insert(sessionRecord('idle', { idleMs: 10 }), grantRecord('g-idle'))
      await insert(sessionRecord('old', { absoluteEndsAt: NOW + 10 }), grantRecord('g-old'))
      await insert(sessionRecord('without', { idleMs: 10 }))
      const pages = await walk(after => store.housekeeping.overdueGrants(NOW + 10, after, 2))
      expect(pages.flatMap(({ overdue }) => overdue).sort()).toEqual(['idle', 'old'])
      expect(pages.map(({ orphaned }) => orphaned).reduce((a, b) => a + b)).toBe(0)
    })

    test('grants whose session was forgotten are ended, so that they are revoked', async () => {
      await signInThere('a')
      await insert(sessionRecord('old', { absoluteEndsAt: NOW - DAY }), grantRecord('g-old'))
      expect(await store.housekeeping.sessions(NOW, 10)).toBe(1)
      const [page] = await walk(after => store.housekeeping.overdueGrants(NOW, after, 10))
      expect(page).toMatchObject({ orphaned: 1, overdue: [] })
      expect((await store.providerGrants.over(NOW + 1, null, 10)).grants.map(({ id }) => id)).toEqual(['g-old'])
    })

    test('revoking everything ends every session and voids every open code, a batch at a time', async () => {
      const ids = Array.from({ length: 70 }, (_, n) => `s${n}`)
      await Promise.all(ids.map(id => insert(sessionRecord(id))))
      await store.codes.createInvite(codeRecord('invite', 'open'), ORIGIN)
      const batches: (readonly EndedSession[])[] = []
      const why = { reason: 'keys_compromised' as const, at: NOW + 1 }
      expect(await store.maintenance.revokeAll(why, batch => void batches.push(batch))).toBe(70)
      expect(batches.length).toBeGreaterThan(1)
      expect(new Set(batches.flat().map(({ publicId }) => publicId))).toEqual(new Set(ids))
      expect((await store.sessions.page('ann', null, 10)).sessions).toEqual([])
      expect(await store.codes.find('invite', 'open', NOW)).toBeNull()
    })
  })
}
