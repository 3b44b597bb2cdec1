import type { MaintenanceStore } from '../types.ts'
import { copyLive } from './backup-snapshot.ts'
import type { Database } from './database.ts'
import { damageBeside } from './integrity-check.ts'
import { revokeAll } from './revoke-all.ts'
import { meta } from './schema.ts'

/** @param unread the file, where it was too large to be read whole when it was opened; null: it was */
export function maintenance(db: Database, unread: string | null): MaintenanceStore {
  return {
    touch: at =>
      db.write(() => {
        const value = String(at)
        const set = { target: meta.key, set: { value } }
        db.sql.insert(meta).values({ key: 'write_check', value }).onConflictDoUpdate(set).run()
      }),
    // Moves what the write-ahead log holds into the database, as far as no reader is in the way.
    tidy: () => db.read(() => void db.raw.pragma('wal_checkpoint(PASSIVE)')),
    findDamage: async () => (unread === null ? null : damageBeside(unread)),
    backup: file => copyLive(db.raw, file),
    revokeAll: (why, announce) => revokeAll(db, why, announce),
  }
}
