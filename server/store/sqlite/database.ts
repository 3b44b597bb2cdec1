import { setTimeout } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Clock } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { SecurityLine } from '../../base/security-log.ts'
import { drizzle } from './drizzle.ts'
import { BUSY_PATIENCE_MS, BUSY_RETRY_MS, createGroupCommit, type OnCommit } from './group-commit.ts'

/**
 * One writer connection. Every query goes through `read` or `write`, so that a failing disk is the same problem
 * everywhere.
 */
export interface Database {
  readonly sql: BetterSQLite3Database
  readonly raw: Sqlite.Database
  /** Whether people are told by mail what happens to their accounts. */
  queuesNotices: boolean
  /** @throws Problem `store_unavailable` */
  read<T>(work: () => T): Promise<T>
  /**
   * Runs `work` atomically; durable when the promise resolves. Writes in the same turn of the event loop share the
   * commit, and nothing else.
   * @throws Problem `store_unavailable` (nothing was written), or whatever `work` throws to roll back
   */
  write<T>(work: () => T): Promise<T>
  /**
   * The same where a moment more does not matter to whoever waits, because the work before took longer: in a rush, such
   * writes share commits. Any other write takes them along, so that their order stays.
   */
  writePatiently<T>(work: () => T): Promise<T>
  /**
   * Only inside `write`: a line of the security log, logged once the write is durable, and not if it is rolled back.
   */
  note(line: SecurityLine): void
  /** Calls back for each line. */
  onNoted(listener: (line: SecurityLine) => void): void
  /** Calls back each time the disk or the file fails a query. */
  onFailure(listener: () => void): void
  /** Calls back after each transaction with the time that it took. */
  onCommit(listener: OnCommit): void
  /**
   * From now on, another program's lock never blocks the event loop: reads and writes that meet one wait
   * asynchronously.
   */
  serve(): void
  close(): void
}

/** For work that nobody waits for yet: opening, migrating, and the last writes. */
const PATIENT_MS = 2000
/**
 * How long a query may block the event loop for another program's lock, which covers short ones such as a checkpoint's.
 */
const SERVING_MS = 5

/**
 * Opens a database file with the settings that every connection needs.
 * @throws the driver's error, which the caller explains
 */
export function openDatabase(file: string, clock: Clock): Database {
  const raw = new Sqlite(file, { timeout: PATIENT_MS })
  raw.pragma('journal_mode = WAL')
  // A WAL database reopens at NORMAL, which may lose a rotation whose response was already sent.
  raw.pragma('synchronous = FULL')
  raw.pragma('foreign_keys = ON')
  raw.pragma('trusted_schema = OFF')
  let failed = () => {}
  let tell: (line: SecurityLine) => void = () => {}
  let noted: SecurityLine[] = []

  /** Constraint errors pass unchanged: the query that can cause one explains it. */
  function guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof Problem || isConstraint(error) || !isStoreFailure(error)) throw error
      failed()
      throw new Problem('store_unavailable', {}, error)
    }
  }

  async function read<T>(work: () => T): Promise<T> {
    for (const until = clock.now().steady + BUSY_PATIENCE_MS; ;) {
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || clock.now().steady >= until) {
          return guard(() => {
            throw error
          })
        }
      }
      await setTimeout(BUSY_RETRY_MS)
    }
  }

  const commits = createGroupCommit(raw, clock, { guard, isBusy })

  async function write<T>(work: () => T, { patient }: { patient: boolean }): Promise<T> {
    const { value, lines } = await commits.write(() => {
      noted = []
      return { value: work(), lines: noted }
    }, patient)
    for (const line of lines) tell(line)
    return value
  }

  return {
    sql: drizzle(raw, { casing: 'snake_case' }),
    raw,
    queuesNotices: false,
    read,
    write: work => write(work, { patient: false }),
    writePatiently: work => write(work, { patient: true }),
    note: line => void noted.push(line),
    onNoted(listener) {
      tell = listener
    },
    onFailure(listener) {
      failed = listener
    },
    onCommit: commits.onCommit,
    serve: () => void raw.pragma(`busy_timeout = ${SERVING_MS}`),
    close() {
      if (raw.open) raw.pragma(`busy_timeout = ${PATIENT_MS}`)
      commits.flush()
      raw.close()
    },
  }
}

export function isConstraint(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== null && code.startsWith('SQLITE_CONSTRAINT')
}

/** Whether another connection holds the required lock. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
}

function isStoreFailure(error: unknown): boolean {
  // A JSON column with invalid content: bytes that changed on the disk.
  return (
    sqliteCode(error) !== null ||
    error instanceof SyntaxError ||
    (error instanceof TypeError && error.message.includes('database connection is not open'))
  )
}

/** Drizzle wraps the driver's errors; the innermost one has the code. */
function sqliteCode(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Sqlite.SqliteError) return at.code
  }
  return null
}
