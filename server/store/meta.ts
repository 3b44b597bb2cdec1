import { eq, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { meta } from './schema.ts'

export type MetaQueries = ReturnType<typeof metaQueries>

/** Single values of the installation. */
export function metaQueries(db: Database) {
  const one = db.sql.select().from(meta).where(eq(meta.key, sql.placeholder('key'))).prepare()
  const put = db.sql.insert(meta).values({ key: sql.placeholder('key'), value: sql.placeholder('value') })
    .onConflictDoUpdate({ target: meta.key, set: { value: sql`excluded.value` } }).prepare()

  return {
    /** How often this database has been started or an hour has passed on it; 0 before the first. */
    counter: () => db.read(() => Number(one.get({ key: 'counter' })?.value ?? 0)),
    setCounter: (counter: number) => db.write(() => {
      put.run({ key: 'counter', value: String(counter) })
    }),
    /** Proves that the disk still takes writes, by making one. */
    touch: (at: number) => db.write(() => {
      put.run({ key: 'write_check', value: String(at) })
    }),
  }
}
