// Checks a whole database in a thread of its own. Its file is passed as `workerData`; the damage, or null, is sent
// back.
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { damageIn } from './integrity-check.ts'

const raw = new Sqlite(String(workerData), { readonly: true, fileMustExist: true })
try {
  parentPort?.postMessage(damageIn(raw))
} catch (error) {
  // Some damage is hit before the check can describe it.
  if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_CORRUPT')) throw error
  parentPort?.postMessage(error.message)
} finally {
  raw.close()
}
