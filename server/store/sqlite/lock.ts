import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { isBusy } from './database.ts'
import { makePrivateFolder } from '../../base/private-files.ts'

/** Who works on a data folder. */
export interface Holder {
  pid: number
  what: string
}

export type Lock =
  | { state: 'held'; release(): void }
  /** Somebody else has it; `by` is null when they have not said who they are yet. */
  | { state: 'taken'; by: Holder | null }

/**
 * Takes a data folder for this process alone, or says who has it. An open write transaction of SQLite holds it: the
 * system lets go of its lock when the process dies, however it dies, so nothing stale can stay behind. Others can still
 * read who the holder is.
 * @param what what the holder is doing, for the message that the next one prints
 * @param patienceMs how long to wait for a holder that is about to finish
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
