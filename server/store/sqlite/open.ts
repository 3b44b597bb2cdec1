import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { newestUsable, snapshot } from './backup-snapshot.ts'
import { type Database, openDatabase } from './database.ts'
import { backupFolder, databaseFile, removeDatabase } from './files.ts'
import { makePrivateFile, makePrivateFolder, moveInto } from '../../base/private-files.ts'
import { applyMigrations, type Migration, readMigrations, standingOf } from './migrate.ts'
import { clearSuspicion, damageIn, isReadFirst } from './integrity-check.ts'

export interface OpenDeps {
  dataDir: string
  /** Whether a missing database may be created. False if it must have been lost. */
  mayCreate: boolean
  clock: Clock
  log: Log
}

export const MIGRATIONS = new URL('../../../drizzle/', import.meta.url)
/** Earlier versions can lose a committed write when a checkpoint meets a WAL reset. */
const OLDEST_SQLITE = [3, 51, 3]

/**
 * Opens the database of a data folder, creating or migrating it if necessary.
 * @param known the migrations; others than drizzle's in tests only
 * @throws OperatorError for anything but a healthy database of ours: a lost one is never replaced by an empty one
 */
export function openMigrated(deps: OpenDeps, known: readonly Migration[] = readMigrations(MIGRATIONS)): Database {
  const file = databaseFile(deps.dataDir)
  try {
    makePrivateFolder(deps.dataDir)
    if (!existsSync(file)) {
      if (!deps.mayCreate) {
        throw new OperatorError(
          `The database ${shown(file)} is missing, but the key file says that it has been in use.`,
          [
            'Put it back, or restore a backup with porchlight restore FILE.',
            `To start over without accounts, move the whole folder ${shown(deps.dataDir)} away first.`,
          ],
        )
      }
      create(file, known, deps)
    }
    return openExisting(file, known, deps)
  } catch (error) {
    throw explained(error, file)
  }
}

/** Created under a temporary name and renamed, so that an unfinished one cannot be mistaken for an empty one. */
function create(file: string, known: readonly Migration[], deps: OpenDeps): void {
  const temporary = `${file}.new`
  removeDatabase(temporary)
  makePrivateFile(temporary)
  const raw = new Sqlite(temporary)
  try {
    assertVersion(raw)
    applyMigrations(raw, known, deps.clock.now().wall)
  } finally {
    raw.close()
  }
  moveInto(temporary, file)
}

function openExisting(file: string, known: readonly Migration[], deps: OpenDeps): Database {
  const readFirst = isReadFirst(file)
  const missing = inspect(file, known, backupFolder(deps.dataDir), readFirst)
  if (readFirst) clearSuspicion(file)
  const db = openDatabase(file, deps.clock)
  try {
    const [next] = missing
    if (next !== undefined) {
      const now = deps.clock.now().wall
      const copy = snapshot(db.raw, backupFolder(deps.dataDir), now, next.tag)
      applyMigrations(db.raw, missing, now)
      deps.log.info(
        { event: 'database_migrated', backup: copy, steps: missing.map(step => step.tag) },
        'database migrated',
      )
    }
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Inspects a database without writing to it, since opening it for writing would already change a file that is not ours.
 * Only what a killed process left half written is undone.
 * @param whole whether to read all of it, which takes time and pages in proportion to its size
 * @returns the missing migrations
 * @throws OperatorError if it is not a healthy database of ours; the driver's error if it cannot be read
 */
export function inspect(file: string, known: readonly Migration[], backups: string, whole: boolean): Migration[] {
  try {
    return inspectUnchanged(file, known, backups, whole)
  } catch (error) {
    if (!leftInTheMiddle(error)) throw error
    rollBack(file)
    return inspectUnchanged(file, known, backups, whole)
  }
}

/** Whether a process was killed in the middle of a write, whose journal has to be rolled back before anybody can read. */
function leftInTheMiddle(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code === 'SQLITE_READONLY_ROLLBACK'
}

/** The journal beside a database says what to undo, and only a connection that may write does so: at its first read. */
function rollBack(file: string): void {
  const raw = new Sqlite(file, { fileMustExist: true })
  try {
    raw.pragma('schema_version')
  } finally {
    raw.close()
  }
}

function inspectUnchanged(file: string, known: readonly Migration[], backups: string, whole: boolean): Migration[] {
  const raw = new Sqlite(file, { readonly: true, fileMustExist: true })
  try {
    assertVersion(raw)
    const found = whole ? damageIn(raw) : null
    if (found !== null) throw damaged(file, found)
    const standing = standingOf(raw, known)
    switch (standing.state) {
      case 'current':
        return []
      case 'behind':
        return standing.missing
      case 'newer':
        throw newer(file, standing.unknown, newestUsable(backups, known))
      case 'altered':
        throw new OperatorError(
          `The database ${shown(file)} was created by another build: migration ${standing.tag} differs here.`,
          ['Use the version that created it.'],
        )
      case 'empty':
        throw new OperatorError(`The database ${shown(file)} is empty.`, [
          'Nothing was written to it. Put the right file back, or restore a backup: porchlight restore FILE',
        ])
      case 'foreign':
        throw new OperatorError(`${shown(file)} belongs to another program.`, [
          'Nothing was written to it. Put the right file back, or choose another data folder (PORCHLIGHT_DATA_DIR).',
        ])
      default:
        return standing satisfies never
    }
  } finally {
    raw.close()
  }
}

function newer(file: string, step: string, backup: string | null): OperatorError {
  return new OperatorError(
    `The database ${shown(file)} was written by a newer version (migration ${step} is unknown here).`,
    [
      'Use that version,',
      backup === null
        ? 'or restore a backup made by this version: porchlight restore FILE'
        : `or go back to the copy from before the update, losing later changes: porchlight restore ${shown(backup)}`,
    ],
  )
}

function assertVersion(raw: Sqlite.Database): void {
  const version = String(raw.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  const differs = OLDEST_SQLITE.findIndex((least, at) => parts[at] !== least)
  if (differs !== -1 && (parts[differs] ?? 0) < (OLDEST_SQLITE[differs] ?? 0)) {
    throw new OperatorError(`SQLite ${version} is too old; ${OLDEST_SQLITE.join('.')} or newer is required.`, [
      'Reinstall the dependencies: npm ci',
    ])
  }
}

function damaged(file: string, cause: unknown): OperatorError {
  return new OperatorError(
    `The database ${shown(file)} is damaged.`,
    ['Nothing was changed. Restore a backup: porchlight restore FILE'],
    cause,
  )
}

/** Explains the driver's and the system's error codes to the operator. */
export function explained(error: unknown, file: string): unknown {
  if (error instanceof OperatorError || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (code === 'SQLITE_NOTADB')
    return new OperatorError(
      `${shown(file)} is not a database.`,
      ['Nothing was changed. Put the right file back, or restore a backup: porchlight restore FILE'],
      error,
    )
  if (code.startsWith('SQLITE_CORRUPT')) return damaged(file, error)
  if (code.startsWith('SQLITE_BUSY'))
    return new OperatorError(`Another program is using the database ${shown(file)}.`, ['Stop it first.'], error)
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE' || code === 'ENOSPC')
    return new OperatorError(
      `There is no space left for the database ${shown(file)}.`,
      ['Free up space on this disk, then start again.'],
      error,
    )
  if (code === 'EROFS' || code.startsWith('SQLITE_READONLY'))
    return new OperatorError(
      `The database ${shown(file)} cannot be written: the file or its disk is read-only.`,
      ['Its folder must be writable by the user who runs this.'],
      error,
    )
  if (code === 'EACCES' || code === 'EPERM' || code.startsWith('SQLITE_CANTOPEN'))
    return new OperatorError(
      `The database ${shown(file)} cannot be opened for writing.`,
      ['The folder and its files must belong to the user who runs this.'],
      error,
    )
  if (code.startsWith('SQLITE_IOERR'))
    return new OperatorError(
      `Disk error on the database ${shown(file)} (${code}).`,
      ['Check the disk and its free space.'],
      error,
    )
  return error
}

/** A path as a person would type it: relative if it is below the current folder. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}
