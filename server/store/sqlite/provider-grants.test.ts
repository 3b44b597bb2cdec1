import { afterEach, beforeEach, expect, test } from 'vitest'
import { insertGrant } from './provider-grants.ts'
import type { Cursor } from '../types.ts'
import { grantRecord, NOW } from '../records.testing.ts'
import { testStore } from '../store.testing.ts'

let opened: ReturnType<typeof testStore>
beforeEach(() => {
  opened = testStore()
  opened.store.db.raw.pragma('foreign_keys = OFF')
})
afterEach(() => opened.remove())

const grant = (id: string, endedAt: number | null) => grantRecord(id, { userId: 'u', endedAt })

test('ended grants come in batches, each once, even if many ended in the same millisecond and some are removed meanwhile', async () => {
  const { db, providerGrants } = opened.store
  // Ids in random order, three end times shared by many, and others that are active or have just ended.
  const ended = Array.from({ length: 250 }, (_, i) => grant(`${(i * 7919) % 1000}-${i}`, NOW - 500 + (i % 3)))
  const others = Array.from({ length: 50 }, (_, i) => grant(`other-${i}`, i % 2 === 0 ? null : NOW))
  for (const row of [...ended, ...others].toSorted((a, b) => (a.id < b.id ? -1 : 1))) insertGrant(db, row)

  const seen: string[] = []
  let after: Cursor | null = null
  do {
    const { grants, next }: Awaited<ReturnType<typeof providerGrants.over>> = await providerGrants.over(NOW, after, 100)
    seen.push(...grants.map(({ id }) => id))
    // Every other one can be revoked, and its row is deleted.
    for (const [i, { id }] of grants.entries()) if (i % 2 === 0) await providerGrants.remove(id)
    after = next
  } while (after !== null)
  expect(seen.toSorted()).toEqual(ended.map(row => row.id).toSorted())
  expect((await providerGrants.over(NOW, null, 1000)).grants).toHaveLength(125)
})

test('grants that are over are found by an index, which a million that live make no slower', () => {
  const { db, providerGrants } = opened.store
  const asked: string[] = []
  const { prepare } = db.raw
  db.raw.prepare = ((source: string) => {
    asked.push(source)
    return prepare.call(db.raw, source)
  }) as typeof prepare
  void providerGrants.over(NOW, '1.1', 100)
  db.raw.prepare = prepare
  expect(asked).toHaveLength(1)
  const plan = db.raw.prepare<unknown[], { detail: string }>(`explain query plan ${asked[0]}`).all(NOW, 1, 1, 100)
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/^SEARCH provider_grants USING INDEX provider_grants_ended /),
  ])
})
