import { statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { backupFolder, databaseFile } from './files.ts'
import { explained, inspect, MIGRATIONS } from './open.ts'
import { keyChecksRow } from './key-record-queries.ts'
import type { KeyCheck, KeyKind } from '../types.ts'
import { readMigrations } from './migrate.ts'

/** What is known about a database without opening it for writing. */
export interface Inspection {
  sqliteVersion: string
  bytes: number
  /** Migrations that the next start would apply. */
  behind: number
  counter: number
  /** The check values of the keys that it was used with. */
  keyChecks: Record<KeyKind, KeyCheck[]>
  /** The latest time recorded in it; null: none. */
  newestAt: number | null
}

/**
 * Inspects a data folder's database, which a server may be using.
 * @throws OperatorError as opening it would
 */
export function inspectInstalled(dataDir: string): Inspection {
  const file = databaseFile(dataDir)
  try {
    const behind = inspect(file, readMigrations(MIGRATIONS), backupFolder(dataDir), true).length
    const raw = new Sqlite(file, { readonly: true, fileMustExist: true })
    try {
      const one = (sql: string) => raw.prepare(sql).pluck().get()
      const checks = (kind: KeyKind) =>
        JSON.parse(
          String(raw.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(keyChecksRow(kind)) ?? '[]'),
        ) as KeyCheck[]
      const newest = one('SELECT max(at) FROM events')
      return {
        sqliteVersion: String(one('SELECT sqlite_version()')),
        bytes: statSync(file).size,
        behind,
        counter: Number(one("SELECT value FROM meta WHERE key = 'counter'") ?? 0),
        keyChecks: { roots: checks('roots'), signing: checks('signing') },
        newestAt: typeof newest === 'number' ? newest : null,
      }
    } finally {
      raw.close()
    }
  } catch (error) {
    throw explained(error, file)
  }
}
