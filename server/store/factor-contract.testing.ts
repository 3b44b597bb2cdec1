import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, MINUTE } from '../base/clock.ts'
import type { PasskeyRecord, TotpRecord } from './factor-types.ts'
import { accountRecord, codeRecord, NOW, ORIGIN, sessionRecord } from './records.testing.ts'
import { codeKey, codeLock, recentKey } from './throttle-keys.ts'
import type { Store } from './types.ts'

const LATER = { ...ORIGIN, at: NOW + MINUTE }
const USE = { counter: 0, counterWentBack: false, refused: false, backedUp: false }

function totpRecord(id: string, changes: Partial<TotpRecord> = {}): TotpRecord {
  return { id, userId: 'ann', sealed: `sealed ${id}`, lastStep: 0, createdAt: NOW, confirmedAt: null, ...changes }
}

function passkeyRecord(id: string, changes: Partial<PasskeyRecord> = {}): PasskeyRecord {
  return {
    id,
    userId: 'ann',
    credentialId: `credential ${id}`,
    publicKey: Buffer.from([1, 2, 3]),
    counter: 0,
    transports: ['internal'],
    deviceType: 'multiDevice',
    backedUp: true,
    aaguid: '00000000-0000-0000-0000-000000000000',
    name: id,
    createdAt: NOW,
    lastUsedAt: null,
    ...changes,
  }
}

/** What every store of second factors guarantees. */
export function factorContract(name: string, open: () => { store: Store; remove(): void }): void {
  describe(`second factors in ${name}`, () => {
    let opened: ReturnType<typeof open>
    let store: Store
    let factors: Store['factors']

    beforeEach(async () => {
      opened = open()
      ;({ store } = opened)
      ;({ factors } = store)
      await store.accounts.create(accountRecord('root', { roles: ['admin', 'user'] }), ORIGIN)
      for (const id of ['ann', 'bob']) await store.accounts.create(accountRecord(id), ORIGIN)
    })
    afterEach(() => opened.remove())

    const problem = (code: string) => expect.objectContaining({ name: 'Problem', code })
    const kinds = async (userId = 'ann') =>
      (await store.events.page(userId, null, 100)).map(event => event.kind).filter(kind => kind !== 'account_created')
    const account = async (id = 'ann') => {
      const { secondFactorAt, factorsChangedAt } = (await store.accounts.find(id)) ?? {}
      return [secondFactorAt, factorsChangedAt]
    }
    async function enrol(id = 't1', userId = 'ann', origin = ORIGIN) {
      await factors.beginTotp(totpRecord(id, { userId }), origin)
      return factors.confirmTotp(id, userId, 100, origin)
    }

    describe('an authenticator app', () => {
      test('is no second factor until it is confirmed', async () => {
        await factors.beginTotp(totpRecord('t1'), ORIGIN)
        expect(await factors.of('ann')).toEqual({ totp: null, passkeys: [], codesLeft: 0 })
        expect(await factors.pendingTotp('ann')).toEqual(totpRecord('t1'))
        expect([await account(), await kinds()]).toEqual([[null, null], []])
        const confirmed = await factors.confirmTotp('t1', 'ann', 100, LATER)
        expect(confirmed).toMatchObject({ id: 'ann', secondFactorAt: NOW + MINUTE, factorsChangedAt: NOW + MINUTE })
        expect(await factors.of('ann')).toMatchObject({
          totp: totpRecord('t1', { lastStep: 100, confirmedAt: NOW + MINUTE }),
        })
        expect([await factors.pendingTotp('ann'), await kinds()]).toEqual([null, ['totp_added']])
      })

      test('keeps working until the one that replaces it is confirmed', async () => {
        await enrol()
        await factors.beginTotp(totpRecord('t2'), LATER)
        expect((await factors.of('ann')).totp?.id).toBe('t1')
        await factors.beginTotp(totpRecord('t3'), LATER)
        await expect(factors.confirmTotp('t2', 'ann', 101, LATER)).rejects.toEqual(problem('not_found'))
        await factors.confirmTotp('t3', 'ann', 101, LATER)
        expect((await factors.of('ann')).totp?.id).toBe('t3')
        expect(await account()).toEqual([NOW, NOW + MINUTE])
        expect(await factors.useTotpStep('t1', 900)).toBe(false)
      })

      test('of another account is not confirmed', async () => {
        await factors.beginTotp(totpRecord('t1'), ORIGIN)
        await expect(factors.confirmTotp('t1', 'bob', 100, ORIGIN)).rejects.toEqual(problem('not_found'))
        expect(await account('bob')).toEqual([null, null])
      })

      test('RFC 6238 §5.2: a step of time is used once, and no earlier one after it', async () => {
        await enrol()
        const uses = await Promise.all(Array.from({ length: 50 }, () => factors.useTotpStep('t1', 101)))
        expect(uses.filter(used => used)).toHaveLength(1)
        expect(await factors.useTotpStep('t1', 100)).toBe(false)
        expect(await factors.useTotpStep('t1', 102)).toBe(true)
      })

      test('that is being set up has no usable steps, and the code that confirmed it is used', async () => {
        await factors.beginTotp(totpRecord('t1'), ORIGIN)
        expect(await factors.useTotpStep('t1', 99)).toBe(false)
        await factors.confirmTotp('t1', 'ann', 100, ORIGIN)
        expect(await factors.useTotpStep('t1', 100)).toBe(false)
      })

      test('is removed once, together with the recovery codes if nothing else is left', async () => {
        await enrol()
        await factors.replaceRecoveryCodes('ann', ['a', 'b'], ORIGIN)
        expect(await factors.removeTotp('ann', LATER)).toMatchObject({ secondFactorAt: null })
        expect(await factors.of('ann')).toEqual({ totp: null, passkeys: [], codesLeft: 0 })
        expect(await account()).toEqual([null, NOW + MINUTE])
        await expect(factors.removeTotp('ann', LATER)).rejects.toEqual(problem('not_found'))
        expect(await factors.useTotpStep('t1', 900)).toBe(false)
      })

      test('is resealed unless it has changed in between', async () => {
        await enrol()
        await enrol('t2', 'bob')
        expect(await factors.sealedTotps('', 1)).toEqual([{ id: 't1', sealed: 'sealed t1' }])
        expect(await factors.sealedTotps('t1', 5)).toEqual([{ id: 't2', sealed: 'sealed t2' }])
        expect(await factors.replaceTotpSealed({ id: 't1', sealed: 'sealed t1' }, 'new')).toBe(true)
        expect(await factors.replaceTotpSealed({ id: 't1', sealed: 'sealed t1' }, 'newer')).toBe(false)
      })
    })

    describe('recovery codes', () => {
      test('need a second factor, and a new set replaces the one before', async () => {
        await expect(factors.replaceRecoveryCodes('ann', ['a'], ORIGIN)).rejects.toEqual(
          problem('second_factor_required'),
        )
        await enrol()
        await factors.replaceRecoveryCodes('ann', ['a', 'b'], ORIGIN)
        await factors.replaceRecoveryCodes('ann', ['c', 'd', 'e'], LATER)
        expect((await factors.recoveryCodes('ann')).map(code => code.codeHash)).toEqual(['c', 'd', 'e'])
        expect(await factors.useRecoveryCode('ann', 'a', LATER)).toBeNull()
        expect((await kinds()).filter(kind => kind === 'recovery_codes_made')).toHaveLength(2)
      })

      test('are used once each, by their own account, and that is logged', async () => {
        await enrol()
        await enrol('t2', 'bob')
        await factors.replaceRecoveryCodes('ann', ['a', 'b'], ORIGIN)
        await factors.replaceRecoveryCodes('bob', ['a'], ORIGIN)
        const uses = await Promise.all(Array.from({ length: 20 }, () => factors.useRecoveryCode('ann', 'a', LATER)))
        expect(uses.filter(left => left !== null)).toEqual([1])
        expect((await factors.of('bob')).codesLeft).toBe(1)
        expect((await kinds()).filter(kind => kind === 'recovery_code_used')).toHaveLength(1)
        expect(await account(), 'a use changes no factor').toEqual([NOW, NOW])
      })
    })

    describe('passkeys', () => {
      test('are found by their credential, with their account', async () => {
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        expect(await factors.findPasskey('credential p1')).toMatchObject({
          passkey: passkeyRecord('p1'),
          account: { id: 'ann', secondFactorAt: NOW },
        })
        expect(await factors.findPasskey('p1')).toBeNull()
        expect(await kinds()).toEqual(['passkey_added'])
      })

      test('belong to one account, and there are at most 25', async () => {
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        const again = passkeyRecord('p2', { userId: 'bob', credentialId: 'credential p1' })
        await expect(factors.addPasskey(again, ORIGIN)).rejects.toEqual(problem('passkey_registered'))
        expect(await account('bob')).toEqual([null, null])
        for (let n = 0; n < 24; n++) await factors.addPasskey(passkeyRecord(`more ${n}`), ORIGIN)
        await expect(factors.addPasskey(passkeyRecord('last'), ORIGIN)).rejects.toEqual(problem('limit_reached'))
      })

      test('are renamed and removed by their own account only', async () => {
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        await expect(factors.renamePasskey('p1', 'bob', 'x')).rejects.toEqual(problem('not_found'))
        await expect(factors.removePasskey('p1', 'bob', ORIGIN)).rejects.toEqual(problem('not_found'))
        expect(await factors.renamePasskey('p1', 'ann', 'Laptop')).toMatchObject({ name: 'Laptop' })
        expect(await factors.removePasskey('p1', 'ann', LATER)).toMatchObject({ secondFactorAt: null })
        expect(await kinds()).toEqual(['passkey_removed', 'passkey_added'])
      })

      test('remember their last use, and a removed one has none', async () => {
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        expect(await factors.usedPasskey('p1', { ...USE, counter: 7 }, { ...ORIGIN, at: NOW + DAY })).toBe(true)
        expect((await factors.of('ann')).passkeys).toEqual([
          passkeyRecord('p1', { counter: 7, backedUp: false, lastUsedAt: NOW + DAY }),
        ])
        await factors.removePasskey('p1', 'ann', LATER)
        expect(await factors.usedPasskey('p1', { ...USE, counter: 8 }, ORIGIN)).toBe(false)
      })

      test('a counter that went back is logged, and a refused use changes nothing', async () => {
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        await factors.usedPasskey('p1', { ...USE, counter: 7 }, LATER)
        const back = { ...USE, counter: 3, counterWentBack: true }
        expect(await factors.usedPasskey('p1', { ...back, refused: true }, { ...LATER, at: NOW + DAY })).toBe(true)
        expect((await factors.of('ann')).passkeys).toMatchObject([{ counter: 7, lastUsedAt: LATER.at }])
        expect(await factors.usedPasskey('p1', { ...back, refused: false }, { ...LATER, at: NOW + DAY })).toBe(true)
        expect((await factors.of('ann')).passkeys).toMatchObject([{ counter: 3, lastUsedAt: NOW + DAY }])
        expect(await kinds()).toEqual(['passkey_counter_reversed', 'passkey_counter_reversed', 'passkey_added'])
      })

      test('WebAuthn L3 §14.6.1: the user handle is random, stays, and leads to its account', async () => {
        const [first, second] = await Promise.all([factors.userHandle('ann'), factors.userHandle('ann')])
        expect(first).toMatch(/^[\w-]{43}$/)
        expect([second, await factors.userHandle('ann')]).toEqual([first, first])
        expect(await factors.findUserHandle('bob')).toBeNull()
        expect(await factors.userHandle('bob')).not.toBe(first)
        expect(await factors.findUserHandle('ann')).toBe(first)
        expect(await factors.findByUserHandle(first)).toMatchObject({ id: 'ann' })
        expect(await factors.findByUserHandle('x')).toBeNull()
      })
    })

    describe('a change', () => {
      const openCodes = async () => {
        await store.codes.createReset(
          { ...codeRecord('reset', 'for ann', { endsAt: NOW + DAY }), userId: 'ann' },
          ORIGIN,
        )
        await store.codes.createInvite(codeRecord('invite', 'by root', { byUserId: 'root' }), ORIGIN)
      }
      const isOpen = async (kind: 'reset' | 'invite', hash: string) =>
        (await store.codes.find(kind, hash, NOW + 1)) !== null

      test('voids the open codes for the account and those that it made, and nothing else', async () => {
        await openCodes()
        await enrol('t1', 'ann')
        expect([await isOpen('reset', 'for ann'), await isOpen('invite', 'by root')]).toEqual([false, true])
        await enrol('t2', 'root')
        expect(await isOpen('invite', 'by root')).toBe(false)
      })

      test('ends no session, and is refused to one that has ended', async () => {
        const opening = { replaces: null, passwordSetAt: null, grant: null, limit: null, newDevice: false }
        await store.sessions.insert({ session: sessionRecord('s1'), ...opening })
        await factors.addPasskey(passkeyRecord('p1'), { ...ORIGIN, sessionId: 's1' })
        expect((await store.sessions.findByPublicId('s1'))?.endedAt).toBeNull()
        await store.sessions.end('s1', { reason: 'signed_out', at: NOW, userId: null, byUserId: null })
        const ended = { ...ORIGIN, sessionId: 's1' }
        await expect(factors.addPasskey(passkeyRecord('p2'), ended)).rejects.toEqual(problem('not_signed_in'))
        await expect(factors.removePasskey('p1', 'ann', ended)).rejects.toEqual(problem('not_signed_in'))
      })

      test('is refused to a disabled account, except that an administrator may take all away', async () => {
        await enrol()
        const maker = { userId: 'root', sessionId: null }
        await store.accounts.change('ann', { roles: null, disabled: true }, maker, ORIGIN)
        for (const change of [
          () => factors.removeTotp('ann', ORIGIN),
          () => factors.addPasskey(passkeyRecord('p1'), ORIGIN),
          () => factors.beginTotp(totpRecord('t2'), ORIGIN),
          () => factors.replaceRecoveryCodes('ann', ['a'], ORIGIN),
        ])
          await expect(change()).rejects.toEqual(problem('account_disabled'))
        expect(await factors.reset('ann', maker, ORIGIN)).toMatchObject({ secondFactorAt: null })
      })

      test('starts the count of wrong codes again, not that of passwords', async () => {
        const failed = (key: string) => ({ key, failures: 9, lastFailureAt: NOW, nextAt: NOW })
        const keys = [codeKey('totp', 'ann'), codeLock('totp', 'ann'), codeLock('recovery', 'ann'), recentKey('ann')]
        await store.throttles.reserveAll(keys, () => ({ writes: keys.map(failed) }))
        await enrol()
        const { found } = await store.throttles.reserveAll(keys, rows => ({ writes: [], found: rows }))
        expect(found.map(row => row?.failures ?? null)).toEqual([null, null, null, 9])
      })
    })

    describe('a reset', () => {
      test('removes everything, and only administrators may', async () => {
        await enrol()
        await factors.addPasskey(passkeyRecord('p1'), ORIGIN)
        await factors.replaceRecoveryCodes('ann', ['a'], ORIGIN)
        await expect(factors.reset('ann', { userId: 'bob', sessionId: null }, ORIGIN)).rejects.toEqual(
          problem('forbidden'),
        )
        await factors.reset('ann', { userId: 'root', sessionId: null }, { ...LATER, byUserId: 'root' })
        expect(await factors.of('ann')).toEqual({ totp: null, passkeys: [], codesLeft: 0 })
        expect(await account()).toEqual([null, NOW + MINUTE])
        expect((await store.events.page('ann', null, 1))[0]).toMatchObject({ kind: 'factors_reset', byUserId: 'root' })
      })
    })

    test('a wrong code is in the log of its account, and the one that locks is, too', async () => {
      await factors.failed('ann', false, ORIGIN)
      await factors.failed('ann', true, ORIGIN)
      expect(await kinds()).toEqual(['second_factor_locked', 'second_factor_failed', 'second_factor_failed'])
    })
  })
}
