import type { UnixMs } from '../../base/clock.ts'
import type { Database } from './database.ts'
import { singleUses } from './schema.ts'

export interface SingleUseStore {
  /**
   * Uses a name up: of many at once, one gets it. It may be forgotten once `endsAt` is past, when whatever it names is
   * over anyway.
   * @returns whether it was unused
   */
  use(key: string, endsAt: UnixMs): Promise<boolean>
}

export function singleUseQueries(db: Database): SingleUseStore {
  return {
    use: (key, endsAt) =>
      db.write(() => db.sql.insert(singleUses).values({ key, endsAt }).onConflictDoNothing().run().changes === 1),
  }
}
