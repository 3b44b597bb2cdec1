import type { UnixMs } from '../../base/clock.ts'
import type { Database } from './database.ts'
import { and, eq, gt, isNull, sql } from './drizzle.ts'
import { meta, sessions } from './schema.ts'
import { endOfSlice } from './batches.ts'

export type KeyKind = 'roots' | 'signing'
export interface KeyCheck {
  id: string
  check: string
}
/** The row that they are kept in, as JSON. */
export const keyChecksRow = (kind: KeyKind): string => `key_checks:${kind}`

export interface MetaStore {
  /** Raised at every start and every hour; 0 before the first. Compared with the key file's. */
  counter(): Promise<number>
  setCounter(counter: number): Promise<void>
  /** What the keys are known by that this database was used with, oldest first; empty: nothing is known of them. */
  keyChecks(kind: KeyKind): Promise<KeyCheck[]>
  setKeyChecks(kind: KeyKind, checks: readonly KeyCheck[]): Promise<void>
  /** Proves that the disk still takes writes, by making one. */
  touch(at: UnixMs): Promise<void>
  /** Ids of the root keys that living sessions' refresh tokens are made under, of `limit` sessions after `after`. */
  tagKeysInUse(now: UnixMs, after: number, limit: number): Promise<{ ids: string[]; next: number | null }>
  /** Moves what the write-ahead log holds into the database, as far as no reader is in the way. */
  checkpoint(): Promise<void>
}

export function metaQueries(db: Database): MetaStore {
  const one = db.sql
    .select()
    .from(meta)
    .where(eq(meta.key, sql.placeholder('key')))
    .prepare()
  const put = db.sql
    .insert(meta)
    .values({ key: sql.placeholder('key'), value: sql.placeholder('value') })
    .onConflictDoUpdate({ target: meta.key, set: { value: sql`excluded.value` } })
    .prepare()

  return {
    counter: () => db.read(() => Number(one.get({ key: 'counter' })?.value ?? 0)),
    setCounter: counter => db.write(() => void put.run({ key: 'counter', value: String(counter) })),
    keyChecks: kind => db.read(() => JSON.parse(one.get({ key: keyChecksRow(kind) })?.value ?? '[]') as KeyCheck[]),
    setKeyChecks: (kind, checks) =>
      db.write(() => void put.run({ key: keyChecksRow(kind), value: JSON.stringify(checks) })),
    touch: at => db.write(() => void put.run({ key: 'write_check', value: String(at) })),
    tagKeysInUse: (now, after, limit) =>
      db.read(() => {
        const next = endOfSlice(db, sessions, after, limit)
        if (next === null) return { ids: [], next }
        const ids = db.sql
          .selectDistinct({ id: sessions.tagKeyId })
          .from(sessions)
          .where(
            and(sql`rowid > ${after} and rowid <= ${next}`, isNull(sessions.endedAt), gt(sessions.absoluteEndsAt, now)),
          )
          .all()
          .map(row => row.id)
        return { ids, next }
      }),
    checkpoint: () => db.read(() => void db.raw.pragma('wal_checkpoint(PASSIVE)')),
  }
}
