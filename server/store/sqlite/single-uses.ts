import type { SingleUseStore } from '../types.ts'
import type { Database } from './database.ts'
import { singleUses } from './schema.ts'

export function singleUseQueries(db: Database): SingleUseStore {
  return {
    use: (key, endsAt) =>
      db.write(() => db.sql.insert(singleUses).values({ key, endsAt }).onConflictDoNothing().run().changes === 1),
  }
}
