import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { SECOND } from '../base/clock.ts'
import type { Meter } from '../base/meter.ts'
import { everyUpstream } from '../config/plain-http.ts'
import { validityOf } from '../config/tls-setting.ts'
import { databaseFile } from '../store/sqlite/files.ts'
import { createSessionCount } from './count-sessions.ts'
import type { OperationServices } from './operation-services.ts'

/** Gauges of what is stored: read when they are asked for. */
export function registerGauges(
  meter: Meter,
  { config, clock, store, signing }: Pick<OperationServices, 'config' | 'clock' | 'store' | 'signing'>,
  version: string,
): void {
  const database = databaseFile(config.dataDir)
  const bytesOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  meter.gauge('build_info', () => [{ labels: { version, node: process.version }, value: 1 }])
  meter.gauge('sessions_live', createSessionCount(store.housekeeping, clock))
  meter.gauge('store_database_bytes', () => bytesOf(database))
  meter.gauge('store_wal_bytes', () => bytesOf(`${database}-wal`))
  meter.gauge('data_free_bytes', async () => {
    const { bavail, bsize } = await statfs(config.dataDir)
    return bavail * bsize
  })
  meter.gauge('backup_timestamp_seconds', async () => {
    const at = await store.maintenance.lastBackupAt()
    return at === null ? null : at / SECOND
  })
  meter.gauge('signing_key_rotation_overdue', () => (signing.isOverdue(clock.now().wall) ? 1 : 0))
  meter.gauge('upstream_certificate_expires_timestamp_seconds', () =>
    everyUpstream(config).flatMap(({ name, tls }) => {
      const client = tls?.client ?? null
      return client === null ? [] : [{ labels: { upstream: name }, value: validityOf(client).until / SECOND }]
    }),
  )
}
