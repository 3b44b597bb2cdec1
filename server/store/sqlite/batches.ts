import type { Database } from './database.ts'
import { sql } from './drizzle.ts'
import type { providerGrants, sessions } from './schema.ts'

/**
 * Where a look at `limit` rows of a table has to stop, for what no index finds: looking at a million at once would hold
 * up everybody else. Synchronous.
 * @param after where the look before stopped; 0: none yet
 * @returns null: there are no more
 */
export function endOfSlice(
  db: Database,
  table: typeof providerGrants | typeof sessions,
  after: number,
  limit: number,
): number | null {
  return db.sql.get<{ last: number | null }>(
    sql`select max(rowid) as last from (select rowid from ${table} where rowid > ${after} order by rowid limit ${limit})`,
  ).last
}
