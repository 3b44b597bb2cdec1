import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { UnixMs } from '../../base/clock.ts'
import { removeDatabase } from './files.ts'
import { makePrivateFile, makePrivateFolder, moveInto, syncFile } from '../../base/private-files.ts'
import { type Migration, standingOf } from './migrate.ts'

const KEPT = 3
const ENDING = '.db'
const MARK = '-before-'

/** A time for file names: sorts by time, without characters that file systems reject. */
export function stamp(now: UnixMs): string {
  return new Date(now).toISOString().replaceAll(/[-:]/g, '').replace('.', '').replace('T', '-')
}

/**
 * Copies the whole database into `folder` before an irreversible change; the newest three copies are kept.
 * @returns the copy's path
 */
export function snapshot(raw: Sqlite.Database, folder: string, now: UnixMs, before: string): string {
  makePrivateFolder(folder)
  const file = join(folder, `${stamp(now)}${MARK}${before}${ENDING}`)
  const temporary = `${file}.tmp`
  rmSync(temporary, { force: true })
  rmSync(`${temporary}-journal`, { force: true })
  makePrivateFile(temporary)
  raw.prepare('VACUUM INTO ?').run(temporary)
  // VACUUM INTO leaves the copy in the page cache.
  syncFile(temporary)
  moveInto(temporary, file)
  // Operators may keep copies of their own there.
  for (const old of snapshotsIn(folder)
    .filter(path => path.includes(MARK))
    .slice(KEPT))
    rmSync(old)
  return file
}

/**
 * Copies the database while it is in use, a few pages at a time between requests. Never overwrites a file.
 * @throws EEXIST; the driver's error if it cannot be written
 */
export async function copyLive(raw: Sqlite.Database, file: string): Promise<void> {
  const temporary = `${file}.tmp`
  rmSync(temporary, { force: true })
  makePrivateFile(temporary)
  try {
    await raw.backup(temporary)
    syncFile(temporary)
    if (existsSync(file)) throw Object.assign(new Error(`${file} exists`), { code: 'EEXIST' })
    moveInto(temporary, file)
  } finally {
    removeDatabase(temporary)
  }
}

/** The copies in a folder, newest first. */
function snapshotsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith(ENDING))
      .sort()
      .reverse()
      .map(name => join(folder, name))
  } catch {
    return []
  }
}

/** The newest copy that this version of the code can open, if the database is newer. */
export function newestUsable(folder: string, known: readonly Migration[]): string | null {
  return snapshotsIn(folder).find(file => isUsable(file, known)) ?? null
}

function isUsable(file: string, known: readonly Migration[]): boolean {
  try {
    const raw = new Sqlite(file, { readonly: true, fileMustExist: true })
    try {
      const { state } = standingOf(raw, known)
      return state === 'current' || state === 'behind'
    } finally {
      raw.close()
    }
  } catch {
    return false
  }
}
