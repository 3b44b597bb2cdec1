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
  /** The backup. It is only read. */
  source: string
  dataDir: string
  clock: Clock
  /** The key file's counter, which the copy takes on: this rollback is known of. null: there is none. */
  counter: number | null
  /**
   * Looks at the copy before it takes its place: some passwords, and what the root keys are known by that it was used
   * with.
   * @throws to stop there: nothing has changed then
   */
  check: (sample: Verifier[], known: KeyCheck[]) => Promise<void>
  /** What the keys are known by that it will be used with. */
  keyChecks: Record<KeyKind, KeyCheck[]>
}

export interface Restored {
  /** Where the database that was there is now; null: there was none. */
  aside: string | null
  ended: number
}

const SAMPLE = 20

/**
 * Puts a backup in the database's place: a copy of it, brought up to date, with every session ended and every one-time
 * code void. What was there is kept beside it. Whoever calls this holds the data folder's lock.
 * @throws OperatorError when the backup is not a healthy database of ours
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
      // One file, without a log beside it, can be moved into place in one step.
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

/** By way of SQLite, so that a backup that was copied together with its write-ahead log is read whole. */
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
  // The index of the write-ahead log is made anew by whoever opens it.
  rmSync(`${aside}-shm`, { force: true })
  return aside
}
