import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import { grantRecord, NOW, sessionRecord } from './records.testing.ts'
import { retryingSessions } from './retrying.testing.ts'
import type { AccountRecord } from './account-types.ts'
import type { EventRecord, EventStore, NewSession, SessionChange, SessionRecord, SessionStore } from './types.ts'

/** A store of sessions, and direct access for tests. */
export interface SessionBench {
  sessions: SessionStore
  events: EventStore
  addAccount(account: Pick<AccountRecord, 'id' | 'roles' | 'disabledAt' | 'passwordChangedAt'>): void
  /**
   * The record as it is now.
   * @throws Error if there is none
   */
  record(sidHash: string): SessionRecord
  /** Writes records directly, new ones or earlier states, as a restored backup would. */
  put(sessions: readonly SessionRecord[]): void
  /** An account's log, oldest first. */
  log(userId: string): readonly EventRecord[]
  close(): void
}

const PERSON = { roles: ['user' as const], disabledAt: null, passwordChangedAt: NOW - DAY }

const ROTATE: SessionChange = { kind: 'rotate', at: NOW + HOUR, lastSeenAt: NOW + HOUR }
const END: SessionChange = { kind: 'end', at: NOW + HOUR, reason: 'idle', lastSeenAt: NOW + MINUTE }
const why = (reason: EndReason) => ({ reason, at: NOW + HOUR, userId: null, byUserId: null })
const ownEnd = (except: string | null) => ({ reason: 'admin' as const, at: NOW, except, byUserId: null })

/** What every store of sessions guarantees. */
export function sessionContract(name: string, open: () => SessionBench): void {
  describe(`sessions in ${name}`, () => {
    let bench: SessionBench
    let sessions: SessionStore

    beforeEach(() => {
      bench = open()
      sessions = bench.sessions
      bench.addAccount({ id: 'ann', ...PERSON })
      bench.addAccount({ id: 'bob', ...PERSON })
    })
    afterEach(() => bench.close())

    const insert = (session: SessionRecord, more: Partial<NewSession> = {}) =>
      sessions.insert({
        session,
        replaces: null,
        passwordSetAt: null,
        grant: null,
        limit: null,
        newDevice: false,
        ...more,
      })
    const insertAll = (...publicIds: string[]) => Promise.all(publicIds.map(id => insert(sessionRecord(id))))
    const listed = async (userId = 'ann') => (await sessions.page(userId, null, 1000)).sessions.map(one => one.publicId)
    const change = (publicId: string, what: SessionChange | null) =>
      sessions.change(`hash of ${publicId}`, () => ({ change: what }))
    const logged = (userId = 'ann') =>
      bench.log(userId).map(({ kind, sessionId, reason }) => [kind, sessionId, reason].filter(Boolean).join(' '))

    describe('records', () => {
      test('a session is found by the hash of its sid and by its public id, as it was inserted', async () => {
        await insert(sessionRecord('a'))
        expect(await sessions.find('hash of a')).toEqual(sessionRecord('a'))
        expect(await sessions.findByPublicId('a')).toEqual(sessionRecord('a'))
        expect(await sessions.find('a')).toBeNull()
        expect(await sessions.findByPublicId('hash of a')).toBeNull()
      })

      test('a returned record belongs to the caller: changing it changes nothing in the store', async () => {
        const given = sessionRecord('a')
        await insert(given)
        given.amr.push('otp')
        const found = await sessions.find('hash of a')
        found?.amr.push('otp')
        found?.secret.fill(0)
        Object.assign(found ?? {}, { generation: 9 })
        expect(await sessions.find('hash of a')).toEqual(sessionRecord('a'))
      })

      test('two sessions cannot share a sid or a public id', async () => {
        await insert(sessionRecord('a'))
        await expect(insert(sessionRecord('b', { sidHash: 'hash of a' }))).rejects.toThrow()
        await expect(insert(sessionRecord('a', { sidHash: 'hash of b' }))).rejects.toThrow()
        expect(await listed()).toEqual(['a'])
      })
    })

    describe('opening', () => {
      test('a sign-in is in the security log, and the session that it replaces has ended', async () => {
        await insert(sessionRecord('a'))
        const later = sessionRecord('b', { createdAt: NOW + HOUR })
        const { ended, more } = await insert(later, { replaces: { publicId: 'a', onlyLiving: true } })
        expect({ ended, more }).toEqual({
          ended: [
            {
              sidHash: 'hash of a',
              publicId: 'a',
              userId: 'ann',
              reason: 'replaced',
              endedAt: NOW + HOUR,
            },
          ],
          more: false,
        })
        expect(bench.record('hash of a')).toMatchObject({ endedAt: NOW + HOUR, endReason: 'replaced' })
        expect(logged()).toEqual(['signed_in a', 'session_ended a replaced', 'signed_in b'])
      })

      test('no session is opened for an unknown or disabled account', async () => {
        bench.addAccount({ id: 'carol', ...PERSON, disabledAt: NOW })
        for (const userId of ['nobody', 'carol'])
          await expect(insert(sessionRecord('a', { userId }))).rejects.toMatchObject({ code: 'account_disabled' })
        expect(await sessions.find('hash of a')).toBeNull()
      })

      test('no session is opened with a password that has changed since, to an earlier or later one', async () => {
        for (const passwordSetAt of [PERSON.passwordChangedAt - 1, PERSON.passwordChangedAt + 1])
          await expect(insert(sessionRecord('a'), { passwordSetAt })).rejects.toMatchObject({
            code: 'invalid_credentials',
          })
        expect(logged()).toEqual([])
        await insert(sessionRecord('a'), { passwordSetAt: PERSON.passwordChangedAt })
      })

      test('no session is opened by an identity that is not linked', async () => {
        const grant = grantRecord('g')
        await expect(insert(sessionRecord('a'), { grant })).rejects.toMatchObject({ code: 'login_expired' })
        expect(await sessions.find('hash of a')).toBeNull()
      })

      test('confirming an identity requires an active session; signing in does not', async () => {
        await insertAll('a', 'b')
        await sessions.end('a', why('signed_out'))
        await insert(sessionRecord('c'), { replaces: { publicId: 'b', onlyLiving: true } })
        const refused = async (publicId: string) =>
          expect(
            await insert(sessionRecord('d'), { replaces: { publicId, onlyLiving: true } }).catch(error => error),
          ).toMatchObject({ code: publicId === 'b' ? 'session_replaced' : 'not_signed_in' })
        for (const publicId of ['a', 'b', 'unknown']) await refused(publicId)
        expect(await listed()).toEqual(['c'])
        for (const [index, publicId] of ['a', 'b', 'unknown'].entries())
          await insert(sessionRecord(`e${index}`), { replaces: { publicId, onlyLiving: false } })
        expect(await listed()).toEqual(['e2', 'e1', 'e0', 'c'])
      })

      test('a thousand ended sessions of an account are kept for their reason, and no more', async () => {
        const over = Array.from({ length: 1050 }, (_, n) =>
          sessionRecord(`s${n}`, { endedAt: NOW + n, endReason: 'signed_out' }),
        )
        bench.put(over)
        await insert(sessionRecord('a'))
        const found = await Promise.all(over.map(one => sessions.find(one.sidHash)))
        expect(found.map(one => one !== null)).toEqual(over.map((_, n) => n >= 50))
        expect(await listed()).toEqual(['a'])
      })
    })

    describe("the limit of an account's sessions", () => {
      /**
       * Opens sessions as the session room does.
       * @returns what ended, and why
       */
      async function openAll(all: SessionRecord[], seen: Record<string, number> = {}) {
        const ended: string[] = []
        for (const session of all) {
          const lastSeenAt = (sidHash: string) => seen[sidHash.slice('hash of '.length)] ?? 0
          const limit = { max: 3, at: NOW, keep: session.publicId, lastSeenAt }
          const batch = await insert(session, { limit })
          ended.push(...batch.ended.map(({ publicId, reason }) => `${publicId} ${reason}`))
        }
        return ended
      }
      const quiet = (publicId: string) => sessionRecord(publicId, { lastSeenAt: NOW - HOUR })

      test('one more than the limit ends the one idle longest, and the security log says why', async () => {
        expect(await openAll([sessionRecord('a'), quiet('b'), sessionRecord('c'), sessionRecord('d')])).toEqual([
          'b too_many',
        ])
        expect(await listed()).toEqual(['d', 'c', 'a'])
        expect(logged().at(-1)).toBe('session_ended b too_many')
      })

      test('last-seen times that are only in memory count', async () => {
        const all = [sessionRecord('a'), quiet('b'), sessionRecord('c'), sessionRecord('d')]
        expect(await openAll(all, { b: NOW + 5 })).toEqual(['a too_many'])
      })

      test('sessions past their end go first, with their own reason', async () => {
        const idle = sessionRecord('idle', { lastSeenAt: NOW - HOUR, idleMs: HOUR })
        const old = sessionRecord('old', { absoluteEndsAt: NOW })
        const first = sessionRecord('quiet', { lastSeenAt: NOW - DAY })
        expect(await openAll([first, idle, old, sessionRecord('a'), sessionRecord('b')])).toEqual([
          'idle idle',
          'old absolute',
        ])
        expect(await listed()).toEqual(['b', 'a', 'quiet'])
      })

      test('the session just opened stays, even if the clock was set back', async () => {
        const back = sessionRecord('new', { createdAt: NOW - DAY, lastSeenAt: NOW - DAY })
        expect(await openAll([sessionRecord('a'), sessionRecord('b'), sessionRecord('c'), back])).toEqual([
          'a too_many',
        ])
      })

      test("other accounts' sessions are not affected", async () => {
        await openAll([sessionRecord('theirs', { userId: 'bob', lastSeenAt: NOW - 6 * DAY })])
        expect(await openAll(['a', 'b', 'c', 'd'].map(id => sessionRecord(id)))).toEqual(['a too_many'])
      })

      test('a large excess is ended in batches', async () => {
        await insertAll(...Array.from({ length: 130 }, (_, n) => `s${n}`))
        const limit = { max: 3, at: NOW, keep: null, lastSeenAt: () => 0 }
        let rounds = 0
        for (let more = true; more; rounds++) {
          const batch = await sessions.endExcess('ann', limit)
          expect(batch.ended.length).toBeLessThan(100)
          more = batch.more
        }
        expect(rounds).toBeGreaterThan(1)
        expect(await listed()).toHaveLength(3)
      })
    })

    describe('deciding', () => {
      test('rotating increments the generation and confirms the one before; the absolute end stays', async () => {
        await insert(sessionRecord('a'))
        const changed = await change('a', ROTATE)
        const after = sessionRecord('a', { generation: 2, proven: 1, rotatedAt: NOW + HOUR, lastSeenAt: NOW + HOUR })
        expect(changed).toEqual({ session: after, decided: { change: ROTATE }, ended: [] })
        expect(bench.record('hash of a')).toEqual(after)
      })

      test('ending returns what ended and writes the log row', async () => {
        await insert(sessionRecord('a'))
        const after = { endedAt: NOW + HOUR, endReason: 'idle', lastSeenAt: NOW + MINUTE }
        expect(await change('a', END)).toMatchObject({ session: after, ended: [{ publicId: 'a', reason: 'idle' }] })
        expect(logged()).toEqual(['signed_in a', 'session_ended a idle'])
        const again = await change('a', END)
        expect(again?.ended, 'it was over already').toEqual([])
        expect(logged()).toHaveLength(2)
      })

      test('no change means no write, and an unknown session is not decided on', async () => {
        await insert(sessionRecord('a'))
        expect(await change('a', null)).toEqual({ session: sessionRecord('a'), decided: { change: null }, ended: [] })
        let calls = 0
        const nobody = await sessions.change('unknown', () => ({ change: null, calls: ++calls }))
        expect([nobody, calls]).toEqual([null, 0])
      })

      test('decisions of one turn are made one after the other, each on the result of the previous one', async () => {
        await insert(sessionRecord('a'))
        const decideFor = (wanted: SessionChange) =>
          sessions.change('hash of a', ({ generation, endedAt }) => ({
            change: endedAt === null ? wanted : null,
            saw: [generation, endedAt],
          }))
        const seen = await Promise.all([ROTATE, ROTATE, END, ROTATE].map(decideFor))
        expect(seen.map(one => one?.decided.saw)).toEqual([
          [1, null],
          [2, null],
          [3, null],
          [3, NOW + HOUR],
        ])
        expect(bench.record('hash of a')).toMatchObject({ generation: 3, endedAt: NOW + HOUR })
      })

      test('a decision that throws writes nothing, and the others are written', async () => {
        await insertAll('a', 'b', 'c')
        const failure = new Error('no')
        const fail = (): { change: SessionChange } => {
          throw failure
        }
        const outcomes = await Promise.allSettled([
          change('a', ROTATE),
          sessions.change('hash of b', fail),
          change('c', ROTATE),
        ])
        expect(outcomes.map(one => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect(outcomes[1]).toMatchObject({ reason: failure })
        expect(['a', 'b', 'c'].map(id => bench.record(`hash of ${id}`).generation)).toEqual([2, 1, 2])
      })

      test('changes that decide makes to its record are not written', async () => {
        await insert(sessionRecord('a'))
        await sessions.change('hash of a', session => {
          Object.assign(session, { generation: 7, endedAt: NOW })
          session.amr.push('otp')
          return { change: null }
        })
        expect(bench.record('hash of a')).toEqual(sessionRecord('a'))
      })

      test('deciding twice, as a retrying store does, has the same result', async () => {
        await insert(sessionRecord('a'))
        const twice = retryingSessions(sessions)
        const seen: number[] = []
        const decide = ({ generation }: SessionRecord) => {
          seen.push(generation)
          return { change: generation < 3 ? ROTATE : END, generation }
        }
        for (let round = 0; round < 3; round++) await twice.change('hash of a', decide)
        expect(seen).toEqual([1, 1, 2, 2, 3, 3])
        expect(bench.record('hash of a')).toMatchObject({ generation: 3, endReason: 'idle' })
        expect(logged()).toEqual(['signed_in a', 'session_ended a idle'])
      })

      test('a decision that depends on its earlier run is detected by a retrying store', async () => {
        await insert(sessionRecord('a'))
        let calls = 0
        const impure = retryingSessions(sessions).change('hash of a', () => ({ change: ROTATE, calls: ++calls }))
        await expect(impure).rejects.toThrow('a decision on the same records is the same')
        expect(bench.record('hash of a').generation).toBe(1)
      })
    })

    describe('ending', () => {
      test('a session ends once, and if an owner is named, only theirs', async () => {
        await insert(sessionRecord('a'))
        expect(await sessions.end('a', { ...why('signed_out'), userId: 'bob' })).toEqual([])
        expect(await sessions.end('unknown', why('signed_out'))).toEqual([])
        expect(await sessions.end('a', { ...why('signed_out'), userId: 'ann' })).toMatchObject([
          { publicId: 'a', reason: 'signed_out', endedAt: NOW + HOUR },
        ])
        expect(await sessions.end('a', why('admin'))).toEqual([])
        expect(bench.record('hash of a').endReason).toBe('signed_out')
      })

      test('a session that has ended cannot end another', async () => {
        await insertAll('a', 'over', 'old')
        await sessions.end('over', why('signed_out'))
        await insert(sessionRecord('new'), { replaces: { publicId: 'old', onlyLiving: false } })
        for (const [from, code] of [
          ['over', 'not_signed_in'],
          ['unknown', 'not_signed_in'],
          ['old', 'session_replaced'],
        ] as const) {
          await expect(sessions.end('a', { ...why('signed_out'), from })).rejects.toMatchObject({ code })
          await expect(sessions.endOf('ann', ownEnd(from))).rejects.toMatchObject({ code })
        }
        expect(await listed()).toEqual(['new', 'a'])
      })

      test("all of an account's sessions except one end, in batches", async () => {
        await insertAll(...Array.from({ length: 120 }, (_, n) => `s${n}`))
        await insert(sessionRecord('theirs', { userId: 'bob' }))
        const sizes: number[] = []
        for (let more = true; more;) {
          const batch = await sessions.endOf('ann', ownEnd('s60'))
          sizes.push(batch.ended.length)
          more = batch.more
        }
        expect(Math.max(...sizes)).toBeLessThan(100)
        expect(sizes.reduce((a, b) => a + b)).toBe(119)
        expect([await listed(), await listed('bob')]).toEqual([['s60'], ['theirs']])
      })

      test("another account's sessions can only be ended by administrators, who are named in the log", async () => {
        bench.addAccount({ id: 'root', ...PERSON, roles: ['admin', 'user'] })
        bench.addAccount({ id: 'gone', ...PERSON, roles: ['admin', 'user'], disabledAt: NOW })
        await insert(sessionRecord('a'))
        for (const byUserId of ['bob', 'gone', 'unknown'])
          await expect(sessions.endOf('ann', { ...ownEnd(null), byUserId })).rejects.toMatchObject({
            code: 'forbidden',
          })
        expect(await sessions.endOf('ann', { ...ownEnd(null), byUserId: 'root' })).toMatchObject({
          ended: [{ publicId: 'a' }],
          more: false,
        })
        expect(bench.log('ann').at(-1)).toMatchObject({ kind: 'session_ended', byUserId: 'root', reason: 'admin' })
      })
    })

    describe('lists', () => {
      test('active sessions are listed newest first, in pages, while others end and open', async () => {
        await insertAll('a', 'b', 'c', 'd', 'e')
        await insert(sessionRecord('theirs', { userId: 'bob' }))
        await sessions.end('d', why('signed_out'))
        const first = await sessions.page('ann', null, 2)
        expect(first.sessions.map(one => one.publicId)).toEqual(['e', 'c'])
        await insert(sessionRecord('f'))
        await sessions.end('c', why('signed_out'))
        const second = await sessions.page('ann', first.next, 2)
        expect(second.sessions.map(one => one.publicId)).toEqual(['b', 'a'])
        expect(second.next).toBeNull()
        expect((await sessions.page('ann', null, 4)).next).toBeNull()
      })

      test('an invalid cursor is refused', async () => {
        for (const cursor of ['', '-1', '1.5', 'x', '1'.repeat(16), "1' or 1=1"])
          await expect(sessions.page('ann', cursor, 2), cursor).rejects.toMatchObject({ code: 'invalid_query' })
      })
    })

    describe('progress', () => {
      test('a confirmation is only written for its generation, and a last-seen time only forwards', async () => {
        await insertAll('a', 'b')
        await change('a', ROTATE)
        const later = NOW + 2 * HOUR
        await sessions.saveProgress([
          { sidHash: 'hash of a', generation: 1, proven: { at: later }, lastSeenAt: NOW + MINUTE },
          { sidHash: 'hash of b', generation: 1, proven: { at: later }, lastSeenAt: later },
          { sidHash: 'unknown', generation: 1, proven: null, lastSeenAt: later },
        ])
        expect(bench.record('hash of a')).toMatchObject({ proven: 1, provenAt: NOW, lastSeenAt: NOW + HOUR })
        expect(bench.record('hash of b')).toMatchObject({ proven: 1, provenAt: later, lastSeenAt: later })
        await sessions.saveProgress([{ sidHash: 'hash of a', generation: 2, proven: { at: later }, lastSeenAt: later }])
        expect(bench.record('hash of a')).toMatchObject({ proven: 2, provenAt: later, lastSeenAt: later })
      })
    })

    describe('order', () => {
      test('writes are made, and their promises settle, in call order', async () => {
        await insert(sessionRecord('a'))
        const settled: string[] = []
        const note = (name: string) => () => void settled.push(name)
        await Promise.all([
          change('a', ROTATE).then(note('rotate')),
          insert(sessionRecord('a')).catch(note('a second a')),
          sessions.saveProgress([]).then(note('progress')),
          sessions.end('a', why('signed_out')).then(note('end')),
          insert(sessionRecord('b')).then(note('b')),
        ])
        expect(settled).toEqual(['rotate', 'a second a', 'progress', 'end', 'b'])
        expect(bench.record('hash of a')).toMatchObject({ generation: 2, endReason: 'signed_out' })
      })
    })

    describe('the security log', () => {
      test('is read newest first, in pages', async () => {
        await insertAll('a', 'b', 'c')
        const [newest, second] = await bench.events.page('ann', null, 2)
        expect([newest?.sessionId, second?.sessionId]).toEqual(['c', 'b'])
        expect(newest).toMatchObject({ kind: 'signed_in', userAgent: 'UA', network: '192.0.2.1', byName: null })
        expect((await bench.events.page('ann', second?.id ?? 0, 2)).map(one => one.sessionId)).toEqual(['a'])
        expect(await bench.events.page('bob', null, 2)).toEqual([])
      })

      test('keeps the newest two hundred rows of each kind', async () => {
        await insertAll(...Array.from({ length: 230 }, (_, n) => `s${n}`))
        await sessions.end('s0', why('signed_out'))
        const kinds = bench.log('ann').map(one => one.kind)
        expect([kinds.filter(kind => kind === 'signed_in').length, kinds.at(-1)]).toEqual([200, 'session_ended'])
      })
    })
  })
}
