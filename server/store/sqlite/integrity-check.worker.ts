// Reads a database whole in a thread of its own. Its file comes as `workerData`; what is wrong, or null, is sent back.
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { damageIn } from './integrity-check.ts'

const raw = new Sqlite(String(workerData), { readonly: true, fileMustExist: true })
try {
  parentPort?.postMessage(damageIn(raw))
} catch (error) {
  // Some damage is met before the check can put it into words.
  if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_CORRUPT')) throw error
  parentPort?.postMessage(error.message)
} finally {
  raw.close()
}
