import type { Database } from './database.ts'
import { type MetaQueries, metaQueries } from './meta.ts'
import { openMigrated, type OpenDeps } from './open.ts'

/** Everything that is kept. One function, one transaction; every one may throw Problem `store_unavailable`. */
export interface Store {
  /** For the queries of rooms' tests; the rooms themselves use the functions beside it. */
  readonly db: Database
  readonly meta: MetaQueries
  /** Copies the database into `file` while it is in use. */
  backup(file: string): Promise<void>
  close(): void
}

/** @throws Refusal when the database is not healthy, not ours, newer than the code, or cannot be made */
export function openStore(deps: OpenDeps): Store {
  const db = openMigrated(deps)
  return {
    db,
    meta: metaQueries(db),
    backup: async (file) => {
      await db.raw.backup(file)
    },
    close: () => db.close(),
  }
}
