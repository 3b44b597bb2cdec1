import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY } from '../base/clock.ts'
import { accountRecord, codeRecord, NOW, sessionRecord } from './records.testing.ts'
import { newTestAccountId } from './test-account-ids.ts'
import { networkKey, recentKey, strangersLock } from './throttle-keys.ts'
import type { AccountRecord } from './account-types.ts'
import type { SessionRecord, Store } from './types.ts'

const OPERATOR = { userId: null, sessionId: null }

const origin = (at = NOW, byUserId: string | null = null) => ({
  at,
  byUserId,
  sessionId: null,
  userAgent: 'UA',
  network: '192.0.2.1',
})

const account = (id: string, roles: AccountRecord['roles'] = ['user'], more: Partial<AccountRecord> = {}) =>
  accountRecord(id, { roles, passwordSealed: `sealed-${id}`, passwordChangedAt: NOW, createdAt: NOW, ...more })
const session = (publicId: string, userId: string, more: Partial<SessionRecord> = {}) =>
  sessionRecord(publicId, { userId, ...more })

/** What every store of accounts, one-time codes and throttles guarantees. */
export function accountContract(name: string, open: () => { store: Store; remove(): void }): void {
  describe(`accounts in ${name}`, () => {
    let opened: ReturnType<typeof open>
    let accounts: Store['accounts']
    let codes: Store['codes']
    let events: Store['events']
    let sessions: Store['sessions']
    let throttles: Store['throttles']
    let housekeeping: Store['housekeeping']

    beforeEach(() => {
      opened = open()
      ;({ accounts, codes, events, sessions, throttles, housekeeping } = opened.store)
    })
    afterEach(() => opened.remove())

    const insert = (row: SessionRecord) =>
      sessions.insert({ session: row, replaces: null, passwordSetAt: null, grant: null, limit: null, newDevice: false })
    const kinds = async (userId: string) => (await events.page(userId, null, 100)).map(event => event.kind)
    const problem = (code: string) => expect.objectContaining({ name: 'Problem', code })

    describe('accounts', () => {
      test('an address belongs to one account, and the refusal leaves nothing behind', async () => {
        await accounts.create(account('ann'), origin())
        await expect(
          accounts.create(account('bob', ['user'], { emailKey: 'ann@example.org' }), origin()),
        ).rejects.toEqual(problem('email_taken'))
        expect(await accounts.find('bob')).toBeNull()
        expect(await accounts.findByEmail('ann@example.org')).toMatchObject({ id: 'ann' })
      })

      test('the list counts active sessions only, and knows when one was last seen', async () => {
        await accounts.create(account('ann'), origin())
        await accounts.create(account('bob', ['user'], { createdAt: NOW + 1 }), origin())
        await insert(session('s1', 'ann'))
        await insert(session('s2', 'ann', { lastSeenAt: NOW - 8 * DAY }))
        await insert(session('s3', 'ann', { lastSeenAt: NOW + 5 }))
        await sessions.end('s3', { reason: 'admin', at: NOW + 6, userId: null, byUserId: null })
        expect(
          (await accounts.page(NOW + 10, null, 100)).map(({ id, sessions: living, lastSeenAt }) => ({
            id,
            living,
            lastSeenAt,
          })),
        ).toEqual([
          { id: 'ann', living: 1, lastSeenAt: NOW + 5 },
          { id: 'bob', living: 0, lastSeenAt: null },
        ])
      })

      test('a test account is put there and changed by its address, and no other account ever is', async () => {
        const row = account(newTestAccountId(), ['user'], { email: 'Eve@example.org', emailKey: 'eve@example.org' })
        const put = (changes: Partial<AccountRecord>) =>
          accounts.putTestAccount({ ...row, id: newTestAccountId(), ...changes }, origin())
        expect(await accounts.putTestAccount(row, origin()), 'even the first account gets no other roles').toEqual(row)
        expect(await put({ roles: ['admin', 'user'] })).toEqual({ ...row, roles: ['admin', 'user'] })
        await accounts.create(account('ann'), origin())
        await accounts.change('ann', { roles: ['admin', 'user'], disabled: null }, OPERATOR, origin())
        await accounts.change(row.id, { roles: null, disabled: true }, OPERATOR, origin())
        expect(await put({ name: 'Evelyn' })).toEqual({ ...row, name: 'Evelyn' })
        expect(await accounts.find(row.id)).toEqual({ ...row, name: 'Evelyn' })
        expect(await kinds(row.id)).toEqual([
          'roles_changed',
          'name_changed',
          'account_enabled',
          'account_disabled',
          'roles_changed',
          'account_created',
        ])
        await expect(put({ emailKey: 'ann@example.org', roles: ['user'] })).rejects.toEqual(problem('email_taken'))
        expect(await accounts.find('ann')).toMatchObject({ roles: ['admin', 'user'], name: 'ann' })
      })

      test('the last administrator who can sign in can be neither demoted nor disabled', async () => {
        await accounts.create(account('ann', ['admin', 'user']), origin())
        await accounts.create(account('bob', ['admin'], { disabledAt: NOW }), origin())
        await expect(accounts.change('ann', { roles: ['user'], disabled: null }, OPERATOR, origin())).rejects.toEqual(
          problem('last_admin'),
        )
        await expect(accounts.change('ann', { roles: null, disabled: true }, OPERATOR, origin())).rejects.toEqual(
          problem('last_admin'),
        )
        expect(await accounts.find('ann')).toMatchObject({ roles: ['admin', 'user'], disabledAt: null })
        expect(await kinds('ann')).toEqual(['account_created'])
        // Enabling bob allows demoting ann; the other way round is refused.
        await accounts.change('bob', { roles: null, disabled: false }, OPERATOR, origin())
        await accounts.change('ann', { roles: ['user'], disabled: null }, OPERATOR, origin())
        await expect(accounts.change('bob', { roles: ['user'], disabled: true }, OPERATOR, origin())).rejects.toEqual(
          problem('last_admin'),
        )
        expect(await accounts.find('bob')).toMatchObject({ roles: ['admin'], disabledAt: null })
      })

      test('an administrator that tests left behind is none who can sign in', async () => {
        await accounts.create(account('ann', ['admin', 'user']), origin())
        const left = { ...account('eve', ['admin', 'user']), id: newTestAccountId() }
        await accounts.putTestAccount(left, origin())
        await expect(accounts.change('ann', { roles: ['user'], disabled: null }, OPERATOR, origin())).rejects.toEqual(
          problem('last_admin'),
        )
        await accounts.change(left.id, { roles: ['user'], disabled: true }, OPERATOR, origin())
      })

      test('ASVS 7.4.2 disabling ends every session in the same transaction, and records who did it', async () => {
        await accounts.create(account('root', ['admin'], { name: 'Root' }), origin())
        await accounts.create(account('ann'), origin())
        await insert(session('s1', 'ann'))
        const { ended } = await accounts.change(
          'ann',
          { roles: null, disabled: true },
          OPERATOR,
          origin(NOW + 1, 'root'),
        )
        expect(ended).toEqual([expect.objectContaining({ publicId: 's1', reason: 'disabled' })])
        const [newest, before] = await events.page('ann', null, 2)
        expect(newest).toMatchObject({ kind: 'session_ended', reason: 'disabled', byName: 'Root' })
        expect(before).toMatchObject({ kind: 'account_disabled', byName: 'Root' })
        expect(
          (await accounts.change('ann', { roles: null, disabled: true }, OPERATOR, origin(NOW + 2))).ended,
        ).toEqual([])
        expect((await accounts.find('ann'))?.disabledAt).toBe(NOW + 1)
      })

      test('a changed password ends every session, and a second change based on the old one is refused', async () => {
        await accounts.create(account('ann'), origin())
        await insert(session('s1', 'ann'))
        await insert(session('s2', 'ann'))
        const { ended } = await accounts.changePassword('ann', 'sealed-ann', 'new', origin(NOW + 1))
        expect(ended.map(one => one.reason)).toEqual(['password_changed', 'password_changed'])
        await expect(accounts.changePassword('ann', 'sealed-ann', 'other', origin(NOW + 2))).rejects.toEqual(
          problem('invalid_credentials'),
        )
        expect((await accounts.find('ann'))?.passwordSealed).toBe('new')
      })

      test('people of another system are imported together, without those whose address has an account', async () => {
        await accounts.create(account('root', ['admin', 'user']), origin())
        const rows = [account('ann'), account('bob', ['user'], { emailKey: 'root@example.org' }), account('cy')]
        const twice = account('dan', ['user'], { emailKey: 'ann@example.org' })
        expect((await accounts.importAll([...rows, twice], 'decoy', origin())).map(({ id }) => id)).toEqual([
          'ann',
          'cy',
        ])
        expect(await accounts.find('bob')).toBeNull()
        expect(await kinds('cy')).toEqual(['account_imported'])
        expect(await accounts.importDecoy()).toBe('decoy')
        expect(await accounts.importAll(rows, null, origin())).toEqual([])
        expect(await accounts.importDecoy()).toBe('decoy')
      })

      test('an import that fails leaves nothing behind, and the first one brings an administrator', async () => {
        expect(await accounts.importDecoy()).toBeNull()
        const disabled = account('old', ['admin', 'user'], { disabledAt: NOW })
        await expect(accounts.importAll([account('ann'), disabled], 'decoy', origin())).rejects.toEqual(
          problem('last_admin'),
        )
        expect([await accounts.anybody(), await accounts.importDecoy()]).toEqual([false, null])
        await expect(
          accounts.importAll(
            [account('ann', ['admin', 'user']), account('bob', ['user'], { id: 'ann' })],
            'd',
            origin(),
          ),
        ).rejects.toThrow()
        expect([await accounts.anybody(), await accounts.importDecoy()]).toEqual([false, null])
        const both = [account('ann'), account('root', ['admin', 'user'])]
        expect(await accounts.importAll(both, null, origin())).toHaveLength(2)
        expect(await accounts.find('ann')).toMatchObject({ roles: ['user'] })
      })

      test('a changed verifier is not overwritten by resealing an older one', async () => {
        await accounts.create(account('ann'), origin())
        await accounts.create(account('bob', ['user'], { passwordSealed: null }), origin())
        const [read, none] = await accounts.verifiers('', 10)
        expect(none).toBeUndefined()
        await accounts.setPassword('ann', 'newer', origin())
        expect(await accounts.replaceVerifier(read ?? { id: '', passwordSealed: '' }, 'resealed')).toBe(false)
        expect((await accounts.find('ann'))?.passwordSealed).toBe('newer')
      })
    })

    describe('one-time codes', () => {
      test('of fifty concurrent uses of one invitation, one creates an account', async () => {
        await codes.createInvite(codeRecord('invite', 'h'), origin())
        const results = await Promise.allSettled(
          Array.from({ length: 50 }, (_, n) => codes.useInvite('h', account(`u${n}`), origin())),
        )
        expect(results.filter(one => one.status === 'fulfilled')).toHaveLength(1)
        expect(await accounts.page(NOW, null, 100)).toHaveLength(1)
      })

      test('if the rest fails, the code stays usable', async () => {
        await accounts.create(account('ann'), origin())
        await codes.createInvite(codeRecord('invite', 'h', { roles: ['admin'] }), origin())
        await expect(
          codes.useInvite('h', account('other', ['user'], { emailKey: 'ann@example.org' }), origin()),
        ).rejects.toEqual(problem('email_taken'))
        expect(await codes.find('invite', 'h', NOW)).not.toBeNull()
        expect((await codes.useInvite('h', account('bob'), origin())).roles).toEqual(['admin'])
        await expect(codes.useInvite('h', account('eve'), origin())).rejects.toEqual(problem('invalid_code'))
      })

      test('an invitation for one address cannot be used for another, nor after it expired or was revoked', async () => {
        await codes.createInvite(codeRecord('invite', 'h', { email: 'ann@example.org', endsAt: NOW + 10 }), origin())
        await expect(codes.useInvite('h', account('eve'), origin())).rejects.toEqual(problem('invalid_code'))
        await expect(codes.useInvite('h', account('ann'), origin(NOW + 10))).rejects.toEqual(problem('invalid_code'))
        expect(await codes.revokeInvite('id-h', { userId: null, sessionId: null }, origin())).toBe(true)
        expect(await codes.revokeInvite('id-h', { userId: null, sessionId: null }, origin())).toBe(false)
        await expect(codes.useInvite('h', account('ann'), origin())).rejects.toEqual(problem('invalid_code'))
      })

      test('ASVS 6.3.2 setup works only as long as there is no account, and a newer code voids the older', async () => {
        await codes.createSetup(codeRecord('setup', 'old', { roles: ['admin', 'user'] }))
        await codes.createSetup(codeRecord('setup', 'new', { roles: ['admin', 'user'] }))
        await expect(codes.useSetup('old', account('ann'), origin())).rejects.toEqual(problem('invalid_code'))
        expect((await codes.useSetup('new', account('ann'), origin())).roles).toEqual(['admin', 'user'])
        await expect(codes.useSetup('new', account('eve'), origin())).rejects.toEqual(problem('already_set_up'))
        await expect(codes.createSetup(codeRecord('setup', 'third'))).rejects.toEqual(problem('already_set_up'))
      })

      test('JW-12 a code of one kind does not work as another', async () => {
        await codes.createInvite(codeRecord('invite', 'h'), origin())
        await expect(codes.useSetup('h', account('ann'), origin())).rejects.toEqual(problem('invalid_code'))
        await expect(codes.useReset('h', 'new', origin())).rejects.toEqual(problem('invalid_code'))
      })

      test('a reset sets the password once, ends every session and clears the locks; a newer link voids the older', async () => {
        await accounts.create(account('ann'), origin())
        await insert(session('s1', 'ann'))
        const lock = strangersLock('ann@example.org')
        await throttles.reserveAll([lock], () => ({
          writes: [{ key: lock, failures: 50, lastFailureAt: NOW, nextAt: 0 }],
        }))
        await codes.createReset({ ...codeRecord('reset', 'r0'), userId: 'ann' }, origin())
        await codes.createReset({ ...codeRecord('reset', 'r1'), userId: 'ann' }, origin())
        await expect(codes.useReset('r0', 'new', origin())).rejects.toEqual(problem('invalid_code'))
        const results = await Promise.allSettled(
          Array.from({ length: 50 }, () => codes.useReset('r1', 'new', origin(NOW + 1))),
        )
        expect(results.filter(one => one.status === 'fulfilled')).toHaveLength(1)
        expect((await sessions.page('ann', null, 100)).sessions).toEqual([])
        await throttles.reserveAll([lock], ([row]) => {
          expect(row).toBeNull()
          return { writes: [{ key: lock, failures: 0, lastFailureAt: NOW, nextAt: 0 }] }
        })
      })

      test('a reset of a disabled account changes nothing', async () => {
        await accounts.create(account('ann', ['user'], { disabledAt: NOW }), origin())
        await codes.createReset({ ...codeRecord('reset', 'r'), userId: 'ann' }, origin())
        await expect(codes.useReset('r', 'new', origin())).rejects.toEqual(problem('account_disabled'))
        expect((await accounts.find('ann'))?.passwordSealed).toBe('sealed-ann')
        expect(await codes.find('reset', 'r', NOW)).not.toBeNull()
      })
    })

    describe('the security log', () => {
      test("is paged by cursor, newest first, and shows no other account's events", async () => {
        await accounts.create(account('ann'), origin())
        await accounts.create(account('bob'), origin())
        for (let n = 0; n < 5; n++) {
          await accounts.changeName('ann', `Ann ${n}`, origin(NOW + n))
          await accounts.changeName('bob', `Bob ${n}`, origin(NOW + n))
        }
        const first = await events.page('ann', null, 4)
        const second = await events.page('ann', first.at(-1)?.id ?? 0, 4)
        expect([...first, ...second].map(event => event.kind)).toEqual([
          ...Array<string>(5).fill('name_changed'),
          'account_created',
        ])
        expect(new Set([...first, ...second].map(event => event.userId))).toEqual(new Set(['ann']))
      })
    })

    describe('housekeeping', () => {
      test("deletes old rows in bounded batches and leaves the rest, including a password's lock", async () => {
        await accounts.create(account('ann'), origin(NOW - 100 * DAY))
        for (let n = 0; n < 5; n++) await accounts.changeName('ann', `Ann ${n}`, origin(NOW - 95 * DAY))
        await accounts.changeName('ann', 'Ann', origin(NOW))
        await insert(session('old', 'ann', { createdAt: NOW - 130 * DAY, absoluteEndsAt: NOW - 100 * DAY }))
        await insert(session('new', 'ann'))
        await codes.createInvite(codeRecord('invite', 'spent', { endsAt: NOW - DAY }), origin())
        await codes.createInvite(codeRecord('invite', 'good'), origin())
        for (const key of [recentKey('a'), networkKey('n'), strangersLock('ann@example.org')]) {
          await throttles.reserveAll([key], () => ({
            writes: [{ key, failures: 1, lastFailureAt: NOW - 3 * DAY, nextAt: 0 }],
          }))
        }
        const before = NOW - 90 * DAY
        // Seven old rows: the account's, five names, and the old session's signed_in.
        expect([
          await housekeeping.events(before, 4),
          await housekeeping.events(before, 4),
          await housekeeping.events(before, 4),
        ]).toEqual([4, 3, 0])
        expect(await housekeeping.sessions(before, 100)).toBe(1)
        expect(await housekeeping.codes(NOW, 100)).toBe(1)
        expect(await housekeeping.throttles(NOW - DAY, 100)).toBe(2)
        expect((await sessions.page('ann', null, 100)).sessions.map(one => one.publicId)).toEqual(['new'])
        expect((await codes.invites(NOW, null, 100)).map(one => one.codeHash)).toEqual(['good'])
        expect(await kinds('ann')).toEqual(['signed_in', 'name_changed'])
      })
    })
  })
}
