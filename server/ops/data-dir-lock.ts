import { setTimeout as wait } from 'node:timers/promises'
import { SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { takeLock } from '../store/sqlite/lock.ts'
import { ourId, quoted } from './permissions.ts'
import { type Places, refuseExposure } from './privacy.ts'

/** How long commands wait for a process that is about to release the data folder. */
export const LOCK_WAIT_MS = 2000
const CHECK_EVERY_MS = 100

/**
 * Locks a data folder for this process during `work`; unlocks it if `work` fails.
 * @param how `what`: a description of the work, shown to others that find the folder locked · `waitMs`: how long to wait
 * for a process that has it locked
 * @throws OperatorError that names who holds the lock, or why the folder cannot be written
 */
export async function withDataDirLock<T>(
  places: Places,
  { what, log, waitMs }: { what: string; log: Log; waitMs: number },
  work: (release: () => void) => Promise<T>,
): Promise<T> {
  const { dataDir } = places
  let release = () => {}
  try {
    refuseExposure(places, log)
    const lock = await waitForLock(dataDir, { what, log, waitMs })
    if (lock.state === 'taken') {
      const owner = lock.by === null ? 'Another process' : `Another process (${lock.by.what}, pid ${lock.by.pid})`
      throw new OperatorError(`${owner} is using the data folder ${dataDir}.`, [
        'Only one process may use a data folder. Stop the other one, or use another folder (PORCHLIGHT_DATA_DIR).',
      ])
    }
    release = lock.release
    return await work(release)
  } catch (error) {
    release()
    throw explained(error, dataDir)
  }
}

/** Between attempts, signals and timers of this process are served. */
async function waitForLock(dataDir: string, { what, log, waitMs }: { what: string; log: Log; waitMs: number }) {
  let lock = takeLock(dataDir, what, Math.min(waitMs, LOCK_WAIT_MS))
  if (lock.state === 'taken' && waitMs > LOCK_WAIT_MS)
    log.info(
      { event: 'data_folder_awaited', dataDir, pid: lock.by?.pid, seconds: waitMs / SECOND },
      'another process is using the data folder; waiting for it to end',
    )
  for (let waited = LOCK_WAIT_MS; lock.state === 'taken' && waited < waitMs; waited += CHECK_EVERY_MS) {
    await wait(CHECK_EVERY_MS)
    lock = takeLock(dataDir, what, 0)
  }
  return lock
}

/** Explains the system's error codes to the operator. */
function explained(error: unknown, dataDir: string): unknown {
  const code = error instanceof OperatorError ? null : innermostCode(error)
  if (code === null) return error
  const because = (why: string, advice: string) =>
    new OperatorError(`The data folder ${dataDir} ${why} (${code}).`, [advice], error)
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return because(
        'is not a folder',
        'Something else has that name. Move it away, or choose another folder (PORCHLIGHT_DATA_DIR).',
      )
    case 'EACCES':
    case 'EPERM':
    case 'SQLITE_CANTOPEN':
      return because('cannot be written', `It and its files must belong to the user who runs this${chown(dataDir)}`)
    case 'ENOENT':
      return because('cannot be created', 'Choose a place where folders can be made (PORCHLIGHT_DATA_DIR).')
    case 'EROFS':
    case 'SQLITE_READONLY':
      return because('is on a read-only disk', 'Choose a writable disk (PORCHLIGHT_DATA_DIR).')
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR_WRITE':
      return because('is on a full disk', 'Free up space, then start again. Nothing is lost.')
    default:
      return error
  }
}

/** The command that gives it to them, where users have ids. */
function chown(dataDir: string): string {
  const uid = ourId()
  return uid === undefined ? '.' : `: chown -R ${uid} ${quoted(dataDir)}`
}

/** The driver wraps its errors; the innermost one has the code. */
function innermostCode(error: unknown): string | null {
  let code: string | null = null
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') code = at.code
  }
  return code
}
