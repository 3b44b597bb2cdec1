import type { KeyCheck, KeyKind, KeyRecordStore } from '../types.ts'
import type { Database } from './database.ts'
import { and, eq, gt, isNull, sql } from './drizzle.ts'
import { meta, sessions } from './schema.ts'
import { nextSlice } from './batches.ts'

/** The key of the row that stores them, as JSON. */
export const keyChecksRow = (kind: KeyKind): string => `key_checks:${kind}`

export function keyRecordQueries(db: Database): KeyRecordStore {
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
    tagKeysInUse: (now, after, limit) =>
      db.read(() => {
        const slice = nextSlice(db, sessions, after, limit)
        if (slice === null) return { ids: [], next: null }
        const ids = db.sql
          .selectDistinct({ id: sessions.tagKeyId })
          .from(sessions)
          .where(and(slice.rows, isNull(sessions.endedAt), gt(sessions.absoluteEndsAt, now)))
          .all()
          .map(row => row.id)
        return { ids, next: slice.next }
      }),
  }
}
