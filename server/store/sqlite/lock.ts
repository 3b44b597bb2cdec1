import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { isBusy } from './database.ts'
import { makePrivateFolder } from '../../base/private-files.ts'

/** The process that uses a data folder. */
export interface Holder {
  pid: number
  what: string
}

export type Lock =
  | { state: 'held'; release(): void }
  /** Another process has it; `by` is null as long as it has not recorded who it is. */
  | { state: 'taken'; by: Holder | null }

/**
 * Locks a data folder for this process, or returns who has it. The lock is an open write transaction of SQLite: the
 * system releases it however the process dies, so it cannot become stale. Others can still read who has it.
 * @param what a description of the work, for others that find it locked
 * @param patienceMs how long to wait for a process that is about to finish
 */
export function takeLock(dataDir: string, what: string, patienceMs: number): Lock {
  makePrivateFolder(dataDir)
  const file = join(dataDir, 'lock.db')
  closeSync(openSync(file, 'a', 0o600))
  const raw = new Sqlite(file, { timeout: patienceMs })
  try {
    raw.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL, what TEXT NOT NULL) STRICT')
    raw
      .transaction(() => {
        raw.exec('DELETE FROM holder')
        raw.prepare('INSERT INTO holder VALUES (?, ?)').run(process.pid, what)
      })
      .immediate()
    raw.exec('BEGIN IMMEDIATE')
    return { state: 'held', release: () => raw.close() }
  } catch (error) {
    const by = isBusy(error) ? readHolder(raw) : null
    raw.close()
    if (isBusy(error)) return { state: 'taken', by }
    throw error
  }
}

function readHolder(raw: Sqlite.Database): Holder | null {
  try {
    return raw.prepare<[], Holder>('SELECT pid, what FROM holder').get() ?? null
  } catch {
    return null
  }
}
