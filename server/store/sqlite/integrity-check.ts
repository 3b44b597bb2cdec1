import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type Sqlite from 'better-sqlite3'
import { CODE_EXTENSION } from '../../base/code-extension.ts'

/** A file up to this size is checked before the start, which takes some hundredths of a second. */
const READ_FIRST_BYTES = 16 * 1024 * 1024

const suspicion = (file: string) => `${file}.suspect`

/**
 * Whether a database has to be checked before use: a small one always, a large one after an unclean shutdown (its
 * write-ahead log still exists) or if damage was found. Any other is checked next to the server.
 */
export function isReadFirst(file: string): boolean {
  return (
    !existsSync(file) ||
    statSync(file).size <= READ_FIRST_BYTES ||
    existsSync(`${file}-wal`) ||
    existsSync(suspicion(file))
  )
}

/**
 * Checks a whole database.
 * @returns what is wrong with its structure, in SQLite's words; null: nothing
 * @throws the driver's error if it cannot be read
 */
export function damageIn(raw: Sqlite.Database): string | null {
  const found = String(raw.pragma('quick_check(1)', { simple: true }))
  return found === 'ok' ? null : found
}

/** The same in a separate thread, while the database is in use. Damage is recorded for the next start. */
export async function damageBeside(file: string): Promise<string | null> {
  const worker = new Worker(new URL(`./integrity-check.worker${CODE_EXTENSION}`, import.meta.url), { workerData: file })
  const found = await new Promise<string | null>((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', code => reject(new Error(`the thread that reads the database ended with ${code}`)))
  })
  if (found !== null) writeFileSync(suspicion(file), '', { mode: 0o600 })
  return found
}

/** Clears the marker after a check that found nothing. */
export function clearSuspicion(file: string): void {
  rmSync(suspicion(file), { force: true })
}
