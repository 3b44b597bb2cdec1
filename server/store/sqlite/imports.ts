import { Problem } from '../../base/problem.ts'
import type { Origin } from '../account-types.ts'
import { anybody, type ImportQueries, insertAccount } from './account-queries.ts'
import type { Database } from './database.ts'
import { eq, inArray, sql } from './drizzle.ts'
import { accounts, type AccountRow, meta } from './schema.ts'

const DECOY = 'import_decoy'

export function importQueries(db: Database): ImportQueries {
  return {
    importAll: (rows, decoy, origin) => db.write(() => importAll(db, rows, decoy, origin)),
    importDecoy: () => db.read(() => importDecoy(db)),
  }
}

/** Synchronous. @throws Problem `last_admin` */
function importAll(db: Database, rows: readonly AccountRow[], decoy: string | null, origin: Origin): AccountRow[] {
  const isFirst = !anybody(db)
  const keys = rows.map(({ emailKey }) => emailKey).filter(key => key !== null)
  const taken = new Set(
    db.sql
      .select({ emailKey: accounts.emailKey })
      .from(accounts)
      .where(inArray(accounts.emailKey, keys))
      .all()
      .map(({ emailKey }) => emailKey),
  )
  const made = rows.filter(({ emailKey }) => {
    if (taken.has(emailKey)) return false
    taken.add(emailKey)
    return true
  })
  // Set-up ends with the first account, so nobody could make an administrator afterwards.
  if (
    isFirst &&
    made.length > 0 &&
    !made.some(({ roles, disabledAt }) => roles.includes('admin') && disabledAt === null)
  )
    throw new Problem('last_admin')
  for (const row of made) insertAccount(db, row, origin, 'account_imported')
  if (decoy !== null)
    db.sql
      .insert(meta)
      .values({ key: DECOY, value: decoy })
      .onConflictDoUpdate({ target: meta.key, set: { value: sql`excluded.value` } })
      .run()
  return made
}

function importDecoy(db: Database): string | null {
  return db.sql.select({ value: meta.value }).from(meta).where(eq(meta.key, DECOY)).get()?.value ?? null
}
