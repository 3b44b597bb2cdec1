import type { UnixMs } from '../../base/clock.ts'
import { eq } from './drizzle.ts'
import type { MaintenanceStore } from '../types.ts'
import { copyLive } from './backup-snapshot.ts'
import type { Database } from './database.ts'
import { damageBeside } from './integrity-check.ts'
import { revokeAll } from './revoke-all.ts'
import { meta } from './schema.ts'

/** @param unread the file, if it was too large to be checked when it was opened; null: it was checked */
export function maintenance(db: Database, unread: string | null): MaintenanceStore {
  function put(key: string, at: UnixMs): void {
    const value = String(at)
    db.sql.insert(meta).values({ key, value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run()
  }

  return {
    touch: at => db.write(() => put('write_check', at)),
    // Moves the write-ahead log into the database, as far as no reader prevents it.
    tidy: () => db.read(() => void db.raw.pragma('wal_checkpoint(PASSIVE)')),
    findDamage: async () => (unread === null ? null : damageBeside(unread)),
    async backup(file, at) {
      await copyLive(db.raw, file)
      await db.write(() => put('backup_at', at))
    },
    lastBackupAt: () =>
      db.read(() => {
        const row = db.sql.select().from(meta).where(eq(meta.key, 'backup_at')).get()
        return row === undefined ? null : Number(row.value)
      }),
    revokeAll: (why, announce) => revokeAll(db, why, announce),
  }
}
