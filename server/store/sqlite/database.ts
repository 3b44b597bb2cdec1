import { setTimeout } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Clock } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { SecurityLine } from '../../base/security-log.ts'
import { drizzle } from './drizzle.ts'
import { BUSY_PATIENCE_MS, BUSY_RETRY_MS, createGroupCommit } from './group-commit.ts'

/**
 * One writer connection. Every query of the store goes through `read` or `write`, so that a failing disk becomes one
 * kind of problem everywhere.
 */
export interface Database {
  readonly sql: BetterSQLite3Database
  readonly raw: Sqlite.Database
  /** @throws Problem `store_unavailable` */
  read<T>(work: () => T): Promise<T>
  /**
   * Runs `work` whole or not at all; durable when the promise resolves. Whoever writes in the same turn of the event
   * loop shares the commit, and nothing else.
   * @throws Problem `store_unavailable` (nothing was written), or whatever `work` throws to roll back
   */
  write<T>(work: () => T): Promise<T>
  /** Only inside `write`: a line of the security log, told once what is written is durable, and not if it is undone. */
  note(line: SecurityLine): void
  /** Calls back for each. */
  onNoted(listener: (line: SecurityLine) => void): void
  /** Calls back each time that the disk or the file fails a query. */
  onFailure(listener: () => void): void
  /** From now on the loop is never held up by another program's lock: reads and writes that meet one wait beside it. */
  serve(): void
  close(): void
}

/** For what nobody waits for yet: opening, bringing up to date, and the last writes. */
const PATIENT_MS = 2000
/**
 * How long a query may hold the event loop for another program's lock. Short ones, such as a checkpoint's, are over by
 * then.
 */
const SERVING_MS = 5

/**
 * Opens a database file with the settings that every open needs.
 * @throws the driver's error: the caller says what it means
 */
export function openDatabase(file: string, clock: Clock): Database {
  const raw = new Sqlite(file, { timeout: PATIENT_MS })
  raw.pragma('journal_mode = WAL')
  // A WAL database reopens at NORMAL, which may lose a rotation that was already answered.
  raw.pragma('synchronous = FULL')
  raw.pragma('foreign_keys = ON')
  raw.pragma('trusted_schema = OFF')
  let failed = () => {}
  let tell: (line: SecurityLine) => void = () => {}
  let noted: SecurityLine[] = []

  /** Constraint errors stay themselves: the query that can meet one says what it means. */
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

  async function write<T>(work: () => T): Promise<T> {
    const { value, lines } = await commits.write(() => {
      noted = []
      return { value: work(), lines: noted }
    })
    for (const line of lines) tell(line)
    return value
  }

  return {
    sql: drizzle(raw, { casing: 'snake_case' }),
    raw,
    read,
    write,
    note: line => void noted.push(line),
    onNoted(listener) {
      tell = listener
    },
    onFailure(listener) {
      failed = listener
    },
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

/** Another connection holds the lock that this one needs. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
}

function isStoreFailure(error: unknown): boolean {
  // A column of JSON that is none: bytes that changed on the disk.
  return (
    sqliteCode(error) !== null ||
    error instanceof SyntaxError ||
    (error instanceof TypeError && error.message.includes('database connection is not open'))
  )
}

/** Drizzle wraps the driver's errors; the code is on the innermost one. */
function sqliteCode(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Sqlite.SqliteError) return at.code
  }
  return null
}
