import type { MaintenanceStore } from '../types.ts'
import { copyLive } from './backup-snapshot.ts'
import type { Database } from './database.ts'
import { damageBeside } from './integrity-check.ts'
import { revokeAll } from './revoke-all.ts'
import { meta } from './schema.ts'

/** @param unread the file, if it was too large to be checked when it was opened; null: it was checked */
export function maintenance(db: Database, unread: string | null): MaintenanceStore {
  return {
    touch: at =>
      db.write(() => {
        const value = String(at)
        const set = { target: meta.key, set: { value } }
        db.sql.insert(meta).values({ key: 'write_check', value }).onConflictDoUpdate(set).run()
      }),
    // Moves the write-ahead log into the database, as far as no reader prevents it.
    tidy: () => db.read(() => void db.raw.pragma('wal_checkpoint(PASSIVE)')),
    findDamage: async () => (unread === null ? null : damageBeside(unread)),
    backup: file => copyLive(db.raw, file),
    revokeAll: (why, announce) => revokeAll(db, why, announce),
  }
}
