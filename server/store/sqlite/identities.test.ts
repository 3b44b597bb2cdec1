import { afterEach, beforeEach, expect, test } from 'vitest'
import { insertGrant } from './provider-grants.ts'
import { identities, providerGrants } from './schema.ts'
import { grantRecord, identityRecord, NOW } from '../records.testing.ts'
import { testStore } from '../store.testing.ts'

const [OLD, NEW, OTHER] = ['https://old.example', 'https://new.example', 'https://other.example']

let opened: ReturnType<typeof testStore>
beforeEach(() => {
  opened = testStore()
  opened.store.db.raw.pragma('foreign_keys = OFF')
})
afterEach(() => opened.remove())

function identity(userId: string, issuer: string, subject: string): void {
  const row = identityRecord(`${userId}-${issuer}`, { userId, issuer, subject })
  opened.store.db.sql.insert(identities).values(row).run()
}
function grant(userId: string, issuer: string, subject: string, endedAt: number | null = null): void {
  insertGrant(opened.store.db, grantRecord(`${userId}-${issuer}-${endedAt}`, { userId, issuer, subject, endedAt }))
}
const rowsOf = (table: typeof identities | typeof providerGrants) =>
  opened.store.db.sql
    .select()
    .from(table)
    .all()
    .map(row => `${row.userId} ${row.issuer} ${row.subject}`)
    .toSorted()

test('OI-7 accounts follow a provider to its new issuer with their grants, whichever others have the same subject', async () => {
  for (const [user, issuer, subject] of [
    ['ann', OLD, '1'],
    ['bob', OLD, '2'],
    ['carl', OTHER, '1'],
  ] as const) {
    identity(user, issuer, subject)
    grant(user, issuer, subject)
  }
  grant('ann', OLD, '1', NOW)
  expect(await opened.store.identities.moveIssuer(OLD, NEW)).toEqual({ moved: 2, kept: 0 })
  expect(rowsOf(identities)).toEqual([`ann ${NEW} 1`, `bob ${NEW} 2`, `carl ${OTHER} 1`])
  expect(rowsOf(providerGrants)).toEqual([`ann ${NEW} 1`, `ann ${NEW} 1`, `bob ${NEW} 2`, `carl ${OTHER} 1`])
  expect(await opened.store.identities.moveIssuer(OLD, NEW)).toEqual({ moved: 0, kept: 0 })
})

test('an account whose subject already has another account at the new issuer is not moved', async () => {
  for (const [user, issuer] of [
    ['ann', OLD],
    ['ann-again', NEW],
  ] as const) {
    identity(user, issuer, '1')
    grant(user, issuer, '1')
  }
  identity('bob', OLD, '2')
  expect(await opened.store.identities.moveIssuer(OLD, NEW)).toEqual({ moved: 1, kept: 1 })
  expect(rowsOf(identities)).toEqual([`ann ${OLD} 1`, `ann-again ${NEW} 1`, `bob ${NEW} 2`])
  expect(rowsOf(providerGrants)).toEqual([`ann ${OLD} 1`, `ann-again ${NEW} 1`])
})
