import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NAME } from '../../contract/name.ts'

export const databaseFile = (dataDir: string): string => join(dataDir, `${NAME}.db`)
export const backupFolder = (dataDir: string): string => join(dataDir, 'backups')
/** A database's own file, its write-ahead log, the log's index, and the marker that it may be damaged. */
export const databaseParts = (file: string): string[] =>
  ['', '-wal', '-shm', '-journal', '.suspect'].map(end => file + end)

export function removeDatabase(file: string): void {
  for (const part of databaseParts(file)) rmSync(part, { force: true })
}

export function databaseExists(file: string): boolean {
  return existsSync(file)
}
