import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../base/clock.ts'
import type { SessionRow } from './schema.ts'
import { testStore } from './store.testing.ts'

const NOW = 1_800_000_000_000
let opened: ReturnType<typeof testStore>

beforeEach(async () => {
  opened = testStore()
  await opened.store.accounts.create(
    {
      id: 'ann',
      email: null,
      emailKey: null,
      name: 'Ann',
      roles: ['user'],
      passwordSealed: null,
      passwordChangedAt: null,
      createdAt: 1,
      disabledAt: null,
    },
    { at: 1, byUserId: null, sessionId: null, userAgent: null, network: null },
  )
})
afterEach(() => opened.remove())

function row(publicId: string, changes: Partial<SessionRow> = {}): SessionRow {
  return {
    sidHash: `hash of ${publicId}`,
    publicId,
    secret: Buffer.alloc(32),
    userId: 'ann',
    createdAt: NOW,
    authTime: NOW,
    amr: ['pwd'],
    remember: true,
    idleMs: 7 * DAY,
    tagKeyId: 'k',
    boundKey: null,
    confirmMs: null,
    graceMs: null,
    accessMs: null,
    generation: 1,
    proven: 1,
    provenAt: NOW,
    rotatedAt: NOW,
    lastSeenAt: NOW,
    absoluteEndsAt: NOW + 30 * DAY,
    endedAt: null,
    endReason: null,
    userAgent: 'test',
    network: '192.0.2.1',
    ...changes,
  }
}
/**
 * Opens sessions as the room does.
 * @returns what ended, and why
 */
async function open(rows: SessionRow[], { max = 3, seen = {} as Record<string, number> } = {}) {
  const all: string[] = []
  for (const one of rows) {
    const limit = {
      max,
      at: NOW,
      keep: one.publicId,
      lastSeenAt: (sidHash: string) => seen[sidHash.slice('hash of '.length)] ?? 0,
    }
    const { ended } = await opened.store.sessions.insert(one, null, null, null, limit)
    all.push(...ended.map(({ publicId, reason }) => `${publicId} ${reason}`))
  }
  return all
}
const living = async () => (await opened.store.sessions.page('ann', null, 1000)).map(one => one.publicId)

describe("a person's sessions", () => {
  test('one more than the limit ends the one idle longest, and the security log says why', async () => {
    expect(await open([row('a'), row('b', { lastSeenAt: NOW - HOUR }), row('c'), row('d')])).toEqual(['b too_many'])
    expect(await living()).toEqual(['d', 'c', 'a'])
    expect((await opened.store.events.page('ann', null, 1))[0]).toMatchObject({
      kind: 'session_ended',
      sessionId: 'b',
      reason: 'too_many',
    })
  })

  test('what memory knows of when somebody was last there counts', async () => {
    expect(
      await open([row('a'), row('b', { lastSeenAt: NOW - HOUR }), row('c'), row('d')], { seen: { b: NOW + 5 } }),
    ).toEqual(['a too_many'])
  })

  test('those past their end go first, and under their own reason', async () => {
    const over = [row('idle', { lastSeenAt: NOW - HOUR, idleMs: HOUR }), row('old', { absoluteEndsAt: NOW })]
    expect(await open([row('quiet', { lastSeenAt: NOW - DAY }), ...over, row('a'), row('b')])).toEqual([
      'idle idle',
      'old absolute',
    ])
    expect(await living()).toEqual(['b', 'a', 'quiet'])
  })

  test('the session that was just opened stays, even when the clock was set back', async () => {
    const set = [row('a'), row('b'), row('c'), row('new', { createdAt: NOW - DAY, lastSeenAt: NOW - DAY })]
    expect(await open(set)).toEqual(['a too_many'])
  })

  test("throwaway sessions are counted apart: they end no session of a person's, and are bounded too", async () => {
    const throwaway = (publicId: string) => row(publicId, { confirmMs: 1, graceMs: 2, accessMs: 4 })
    expect(await open([row('a'), row('b'), row('c'), ...['t1', 't2', 't3', 't4'].map(throwaway)])).toEqual([
      't1 too_many',
    ])
    expect(await living()).toEqual(['c', 'b', 'a'])
  })

  test("another person's are not touched", async () => {
    await opened.store.accounts.create(
      {
        id: 'bob',
        email: null,
        emailKey: null,
        name: 'Bob',
        roles: ['user'],
        passwordSealed: null,
        passwordChangedAt: null,
        createdAt: 1,
        disabledAt: null,
      },
      { at: 1, byUserId: null, sessionId: null, userAgent: null, network: null },
    )
    await open([row('theirs', { userId: 'bob', lastSeenAt: NOW - 6 * DAY })])
    expect(await open([row('a'), row('b'), row('c'), row('d')])).toEqual(['a too_many'])
  })

  test('a thousand ended ones are kept for their reason, and no more', async () => {
    const { raw } = opened.store.db
    await open([row('first')])
    const columns = (raw.pragma('table_info(sessions)') as { name: string }[]).map(({ name }) => name)
    const copied = columns.map(
      name =>
        ({
          sid_hash: "'old ' || value",
          public_id: "'old ' || value",
          ended_at: `${NOW} + value`,
          end_reason: "'signed_out'",
        })[name] ?? name,
    )
    raw.exec(
      `with recursive n(value) as (select 1 union all select value + 1 from n where value < 1050) insert into sessions (${columns.join(', ')}) select ${copied.join(', ')} from sessions, n`,
    )
    await open([row('second')])
    expect(
      raw.prepare('select count(*) as count, min(ended_at) as oldest from sessions where ended_at is not null').get(),
    ).toEqual({ count: 1000, oldest: NOW + 51 })
    expect(await living()).toEqual(['second', 'first'])
  })
})
