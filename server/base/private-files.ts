import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

// Files and folders that only their owner may read, written so that a crash loses nothing.

/**
 * One folder at a time: Node's own `recursive` never returns where a file system takes no folders, such as /proc.
 * @throws the system's error
 */
export function makePrivateFolder(folder: string): void {
  if (existsSync(folder)) return
  makePrivateFolder(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/**
 * An empty file that only its owner may read.
 * @throws EEXIST when there is one
 */
export function makePrivateFile(file: string): void {
  closeSync(openSync(file, 'wx', 0o600))
}

/** Waits until a folder's entries are on the disk: without it a rename may be lost with the power. */
function syncFolder(folder: string): void {
  syncFile(folder)
}

export function syncFile(file: string): void {
  const handle = openSync(file, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Writes a private file so that a crash leaves the old content or the new one, never half of it. */
export function writeAtomically(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  rmSync(temporary, { force: true })
  const handle = openSync(temporary, 'wx', 0o600)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(handle)
  }
  try {
    moveInto(temporary, file)
  } finally {
    // It may hold keys: where it cannot take its place, it must not stay.
    rmSync(temporary, { force: true })
  }
}

/**
 * Whether something is mounted over this very file: it can be written, but no other can take its place. Only Linux can
 * tell.
 */
export function isMountPoint(file: string): boolean {
  return existsSync(MOUNTS) && mountPointsIn(readFileSync(MOUNTS, 'utf8')).has(realPath(file))
}

const MOUNTS = '/proc/self/mountinfo'

/**
 * Exported for its tests.
 * @see proc_pid_mountinfo(5): the fifth field, with blanks and backslashes as octal escapes
 */
export function mountPointsIn(table: string): Set<string> {
  const unescaped = (field: string) =>
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return new Set(table.split('\n').map(line => unescaped(line.split(' ')[4] ?? '')))
}

/** Where a file really is: one that is written through a symbolic link must not take the link's place. */
export function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : file
}

/** Renames and makes the rename durable. */
export function moveInto(from: string, to: string): void {
  renameSync(from, to)
  syncFolder(dirname(to))
}
