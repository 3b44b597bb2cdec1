import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { accountRecord, NOW, ORIGIN } from '../records.testing.ts'
import { rawOf, testStore } from '../store.testing.ts'
import type { Store } from '../types.ts'
import { openStore } from './store.ts'

let opened: ReturnType<typeof testStore>
/** Connections of their own to one database, as of several processes. */
let stores: Store[]

beforeEach(async () => {
  opened = testStore(undefined, undefined, true)
  const { dataDir } = opened
  const deps = { mayCreate: false, queuesNotices: true, clock: systemClock, log: createLog('silent'), onCommit: null }
  stores = [opened.store, ...Array.from({ length: 3 }, () => openStore({ ...deps, dataDir, onFailure: () => {} }))]
  await opened.store.accounts.create(accountRecord('ann'), ORIGIN)
  const { factors } = opened.store
  await factors.beginTotp(
    { id: 't1', userId: 'ann', sealed: 'x', lastStep: 0, createdAt: NOW, confirmedAt: null },
    ORIGIN,
  )
  await factors.confirmTotp('t1', 'ann', 100, ORIGIN)
})
afterEach(async () => {
  for (const store of stores.slice(1)) await store.close()
  opened.remove()
})

const atOnce = <T>(work: (store: Store) => Promise<T>) =>
  Promise.all(Array.from({ length: 52 }, (_, n) => work(stores[n % stores.length] as Store)))

test('RFC 6238 §5.2 fifty tries with one code over several connections use it once', async () => {
  for (const step of [101, 102, 103]) {
    const used = await atOnce(store => store.factors.useTotpStep('t1', step))
    expect(used.filter(Boolean)).toHaveLength(1)
  }
})

test('ASVS 6.5.1 a recovery code is used once, whatever connection it comes by', async () => {
  await opened.store.factors.replaceRecoveryCodes('ann', ['a', 'b'], ORIGIN)
  const left = await atOnce(store => store.factors.useRecoveryCode('ann', 'a', ORIGIN))
  expect(left.filter(one => one !== null)).toEqual([1])
})

test('ASVS 6.3.7 each change of a factor, and each use of a recovery code, is told by mail', async () => {
  const { factors } = opened.store
  const codes = ['a', 'b', 'c', 'd', 'e']
  await factors.replaceRecoveryCodes('ann', codes, ORIGIN)
  await factors.useRecoveryCode('ann', 'a', ORIGIN)
  await factors.useRecoveryCode('ann', 'b', { ...ORIGIN, at: NOW + 120_000 })
  await factors.failed('ann', true, ORIGIN)
  await factors.removeTotp('ann', ORIGIN)
  await factors.reset('ann', { userId: null, sessionId: null }, ORIGIN)
  const kinds = rawOf(opened.store)
    .prepare("select kind from mails where kind <> 'new_device' order by rowid")
    .pluck()
    .all()
  expect(kinds).toEqual([
    'totp_added',
    'recovery_codes_made',
    'recovery_code_used',
    'recovery_codes_low',
    'second_factor_locked',
    'totp_removed',
    'factors_reset',
  ])
})
