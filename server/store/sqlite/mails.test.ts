import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../base/clock.ts'
import type { NewMail } from '../mail-types.ts'
import { accountRecord, codeRecord, mailRecord, NOW, ORIGIN, sessionRecord } from '../records.testing.ts'
import { rawOf, testStore } from '../store.testing.ts'

let opened: ReturnType<typeof testStore>
const open = (queuesNotices: boolean) => {
  opened = testStore(undefined, undefined, queuesNotices)
  return opened.store.accounts.create(accountRecord('ann', { language: 'zh-CN', passwordSealed: 'x' }), ORIGIN)
}
beforeEach(() => open(true))
afterEach(() => opened.remove())

const kinds = () => rawOf(opened.store).prepare('select kind from mails order by rowid').pluck().all()
const mailOf = (id: string, addressKey = 'ann@example.org'): NewMail => {
  const { kind, userId, address, language, sealed, codeHash } = mailRecord(id)
  return { id, kind, userId, address, language, sealed, codeHash, addressKey }
}

describe('notices', () => {
  test('are queued with what they tell, in the language of the account', async () => {
    await opened.store.accounts.setPassword('ann', 'y', { ...ORIGIN, network: '192.0.2.9' })
    const mail = await opened.store.mails.takeNext(NOW)
    expect(mail).toMatchObject({
      kind: 'password_reset',
      address: 'ann@example.org',
      language: 'zh-CN',
      network: '192.0.2.9',
    })
  })
  test('are not queued without mail, for an account without an address, or for what nobody is told', async () => {
    await opened.store.accounts.changeName('ann', 'Ann', ORIGIN)
    await opened.store.accounts.create(accountRecord('bob', { email: null, emailKey: null }), ORIGIN)
    await opened.store.accounts.setPassword('bob', 'y', ORIGIN)
    expect(kinds()).toEqual([])
    opened.remove()
    await open(false)
    await opened.store.accounts.setPassword('ann', 'y', ORIGIN)
    expect(kinds()).toEqual([])
  })
  test('are gone when the transaction fails', async () => {
    await opened.store.accounts.create(accountRecord('root', { roles: ['admin', 'user'] }), ORIGIN)
    const change = { roles: null, disabled: true }
    await opened.store.accounts.change('root', change, ORIGIN_MAKER, ORIGIN).catch(() => null)
    await opened.store.accounts.change('ann', change, ORIGIN_MAKER, ORIGIN).catch(() => null)
    expect(kinds()).toEqual(['account_disabled'])
  })
  test('tell of a session that was copied', async () => {
    const session = { session: sessionRecord('s'), replaces: null, passwordSetAt: null, grant: null, limit: null }
    await opened.store.sessions.insert({ ...session, newDevice: true })
    await opened.store.sessions.change('hash of s', () => ({
      change: { kind: 'end', at: NOW, reason: 'refresh_reuse', lastSeenAt: NOW },
    }))
    expect(kinds()).toEqual(['refresh_reuse'])
  })
})
const ORIGIN_MAKER = { userId: null, sessionId: null }

describe('a mail is suppressed', () => {
  const queue = (id: string, at: number, address?: string) => opened.store.mails.queue(mailOf(id, address), at)
  test('within a minute of the same, and after five of its kind to an address in an hour', async () => {
    expect(await queue('a', NOW)).toBe(true)
    expect(await queue('b', NOW + MINUTE - 1)).toBe(false)
    expect(await queue('c', NOW + MINUTE - 1, 'bob@example.org')).toBe(true)
    for (let n = 1; n < 5; n++) expect(await queue(`d${n}`, NOW + n * MINUTE)).toBe(true)
    expect(await queue('e', NOW + 30 * MINUTE)).toBe(false)
    expect(await queue('f', NOW + HOUR)).toBe(true)
  })
  test('while 10,000 wait, and only then', async () => {
    const raw = rawOf(opened.store)
    raw.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
      insert into mails (id, kind, address, address_key, created_at, next_at, attempts, doubts)
      select i, 'reset', 'a' || i, 'a' || i, ${NOW}, ${NOW}, 0, 0 from n`)
    expect(await queue('g', NOW)).toBe(false)
    raw.exec("update mails set ended_at = 1, outcome = 'sent' where id = '7'")
    expect(await queue('h', NOW)).toBe(true)
  })
})

describe('a mailed reset link', () => {
  const request = (hash: string, email: string, at = NOW) =>
    opened.store.codes.mailReset(
      codeRecord('reset', hash, { email, createdAt: at, endsAt: at + HOUR }),
      { ...mailOf(`mail ${hash}`, email), codeHash: hash },
      { ...ORIGIN, at },
    )
  test('proves the address when it is used, unless the address has changed since', async () => {
    await request('h', 'ann@example.org')
    await opened.store.codes.useReset('h', 'y', ORIGIN)
    expect((await opened.store.accounts.find('ann'))?.emailVerifiedAt).toBe(NOW)
  })
  test('is not replaced by a second request that is suppressed', async () => {
    await request('h', 'ann@example.org')
    await request('i', 'ann@example.org')
    expect(await opened.store.codes.find('reset', 'h', NOW)).not.toBeNull()
    expect(await opened.store.codes.find('reset', 'i', NOW)).toBeNull()
  })
  test('is no code for an unknown address, a disabled account, or one without a password, which gets a mail', async () => {
    await request('h', 'nobody@example.org')
    await opened.store.accounts.create(accountRecord('bob'), ORIGIN)
    await request('i', 'bob@example.org')
    await opened.store.accounts.change('bob', { roles: null, disabled: true }, ORIGIN_MAKER, ORIGIN)
    await request('j', 'bob@example.org', NOW + MINUTE)
    expect(rawOf(opened.store).prepare('select count(*) from codes').pluck().get()).toBe(0)
    expect(kinds()).toEqual(['reset_elsewhere', 'account_disabled'])
  })
})
