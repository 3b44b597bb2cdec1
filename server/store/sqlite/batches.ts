import { positionOf } from '../cursors.ts'
import type { Cursor } from '../types.ts'
import type { Database } from './database.ts'
import { type SQL, sql } from './drizzle.ts'
import type { providerGrants, sessions } from './schema.ts'

/**
 * The next `limit` rows of a table, for searches without an index: reading a million at once would block other
 * requests. Synchronous.
 * @param after where the previous search stopped; null: the first one
 * @returns the rows, and where the search stops; null: there are no more
 */
export function nextSlice(
  db: Database,
  table: typeof providerGrants | typeof sessions,
  after: Cursor | null,
  limit: number,
): { rows: SQL; next: Cursor } | null {
  const from = after === null ? 0 : positionOf(after)
  const { last } = db.sql.get<{ last: number | null }>(
    sql`select max(rowid) as last from (select rowid from ${table} where rowid > ${from} order by rowid limit ${limit})`,
  )
  return last === null ? null : { rows: sql`rowid > ${from} and rowid <= ${last}`, next: String(last) }
}
