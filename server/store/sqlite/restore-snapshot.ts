import { existsSync, renameSync, rmSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import type { Clock, UnixMs } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { accountQueries } from './account-queries.ts'
import { copyLive, stamp } from './backup-snapshot.ts'
import { openDatabase } from './database.ts'
import { backupFolder, databaseFile, databaseParts, removeDatabase } from './files.ts'
import { makePrivateFolder, moveInto } from '../../base/private-files.ts'
import { applyMigrations, readMigrations } from './migrate.ts'
import { keyRecordQueries } from './key-record-queries.ts'
import type { KeyCheck, KeyKind, Verifier } from '../types.ts'
import { explained, inspect, MIGRATIONS } from './open.ts'
import { revokeAll } from './revoke-all.ts'

export interface RestoreDeps {
  /** The backup, which is only read. */
  source: string
  dataDir: string
  clock: Clock
  /** The key file's counter, which is written to the copy, because this rollback is intended. null: there is none. */
  counter: number | null
  /**
   * Checks the copy before it takes its place: some passwords, and the check values of the root keys that it was used
   * with.
   * @throws to stop there: nothing has changed then
   */
  check: (sample: Verifier[], known: KeyCheck[]) => Promise<void>
  /** The check values of the keys that it will be used with. */
  keyChecks: Record<KeyKind, KeyCheck[]>
}

export interface Restored {
  /** Where the previous database is now; null: there was none. */
  aside: string | null
  ended: number
}

const SAMPLE = 20

/**
 * Replaces the database with a migrated copy of a backup, with every session ended and every one-time code void. The
 * previous one is kept next to it. The caller holds the data folder's lock.
 * @throws OperatorError if the backup is not a healthy database of ours
 */
export async function restoreDatabase({
  source,
  dataDir,
  clock,
  counter,
  check,
  keyChecks,
}: RestoreDeps): Promise<Restored> {
  const now = clock.now().wall
  if (!existsSync(source)) throw new OperatorError(`There is no file ${source}.`)
  const file = databaseFile(dataDir)
  const copy = `${file}.restoring`
  makePrivateFolder(dataDir)
  removeDatabase(copy)
  try {
    const known = readMigrations(MIGRATIONS)
    const missing = inspect(source, known, backupFolder(dataDir), true)
    await copyOf(source, copy)
    const db = openDatabase(copy, clock)
    let ended: number
    try {
      applyMigrations(db.raw, missing, now)
      const keyRecords = keyRecordQueries(db)
      await check(await accountQueries(db).verifiers('', SAMPLE), await keyRecords.keyChecks('roots'))
      for (const kind of ['roots', 'signing'] as const) await keyRecords.setKeyChecks(kind, keyChecks[kind])
      ended = await revokeAll(db, { reason: 'store_rolled_back', at: now }, () => {})
      if (counter !== null) await keyRecords.setCounter(counter)
      // A single file without a log can be moved into place atomically.
      db.raw.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      db.close()
    }
    const aside = existsSync(file) ? putAside(file, now) : null
    moveInto(copy, file)
    return { aside, ended }
  } catch (error) {
    throw explained(error, source)
  } finally {
    removeDatabase(copy)
  }
}

/** Copied by SQLite, so that a backup that consists of a database and its write-ahead log is read completely. */
async function copyOf(source: string, copy: string): Promise<void> {
  const raw = new Sqlite(source, { readonly: true, fileMustExist: true })
  try {
    await copyLive(raw, copy)
  } finally {
    raw.close()
  }
}

function putAside(file: string, now: UnixMs): string {
  const aside = `${file}.replaced-${stamp(now)}`
  const to = databaseParts(aside)
  for (const [at, part] of databaseParts(file).entries()) {
    if (existsSync(part)) renameSync(part, to[at] ?? aside)
  }
  // The index of the write-ahead log is rebuilt by the next connection.
  rmSync(`${aside}-shm`, { force: true })
  return aside
}
