import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type UnixMs } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { KeySource } from '../config/types.ts'
import { isMountPoint, makePrivateFolder, realPath, writeAtomically } from '../base/private-files.ts'
import type { KeyCheck } from '../store/types.ts'
import { formatKeyFile, type KeyFile, newestOf, newRoot, parseKeyFile } from './file.ts'
import { checksOf } from './checks.ts'
import { createKeyring, type LiveKeyring } from './keyring.ts'
import type { SigningKey } from './signing-key.ts'

/** The public facts about a root key. */
export interface KeySummary {
  id: string
  createdAt: UnixMs
  replacedAt: UnixMs | null
}

/** The key file and the keyring built from it. Synchronous, since the file is small and rarely written. */
export interface Keys {
  readonly keyring: LiveKeyring
  /** False if the keys came as the content of a setting. */
  readonly writable: boolean
  /** The file's counter; null if there is no file to store one in. */
  counter(): number | null
  setCounter(counter: number): void
  /** Newest first. */
  list(): KeySummary[]
  /** What the database records to recognise these roots again, oldest first. */
  checks(): KeyCheck[]
  /**
   * Creates a new newest root; older ones still open.
   * @throws OperatorError if the keys are read-only
   */
  rotate(now: UnixMs): KeySummary
  /**
   * Removes roots for good, except the newest.
   * @returns how many were removed
   */
  retire(ids: readonly string[]): number
  /** The stored signing keys; signing.ts decides how each is used. */
  signing(): readonly SigningKey[]
  /** Stores exactly these; in memory only if the keys are read-only. */
  setSigning(keys: readonly SigningKey[]): void
  /** Writes the key file's content to another private file, for a backup that was asked to include it. */
  copyTo(path: string): void
}

/**
 * Reads the key file, or creates it where allowed.
 * @param mayCreate false next to an existing database, which a new key would make unreadable
 * @throws OperatorError if it is missing, unreadable or corrupt
 */
export function openKeys(source: KeySource, mayCreate: boolean, now: UnixMs): Keys {
  return 'file' in source ? fromFile(realPath(source.file), mayCreate, now) : fromContent(source.content.reveal())
}

function fromContent(text: string): Keys {
  return unwritable(
    refusedContent(() => parseKeyFile(text), 'The setting PORCHLIGHT_KEYS'),
    'come from the setting PORCHLIGHT_KEYS',
  )
}

/** @param where where the keys are, to follow "The keys …" */
function unwritable(file: KeyFile, where: string): Keys {
  let signing = file.signing
  const refuse = (): never => {
    throw new OperatorError(`The keys ${where} and cannot be changed here.`, [
      'Keep them in a file that this program may write (PORCHLIGHT_KEYS=PATH, or the data folder), or change them where they are and start again.',
    ])
  }
  return {
    keyring: createKeyring(file.roots),
    writable: false,
    counter: () => null,
    setCounter: refuse,
    list: () => summaries(file),
    checks: () => checksOf(file.roots),
    rotate: refuse,
    retire: refuse,
    signing: () => signing,
    setSigning(keys) {
      signing = keys
    },
    copyTo: path => writeAtomically(path, formatKeyFile(file)),
  }
}

function fromFile(path: string, mayCreate: boolean, now: UnixMs): Keys {
  if (!existsSync(path)) {
    if (!mayCreate) {
      throw new OperatorError(`The key file ${path} is missing, and a database only works with its own key file.`, [
        'Put it back from your backup. A backup of the database leaves it out unless asked: look where you keep secrets.',
        'If it is lost for good, move the data folder away to start over.',
      ])
    }
    makePrivateFolder(dirname(path))
    writeAtomically(path, formatKeyFile({ counter: 0, roots: [newRoot(now)], signing: [] }))
  }
  const what = `The key file ${path}`
  let file = refusedContent(() => parseKeyFile(readKeys(path, what)), what)
  if (!isReplaceable(path)) return unwritable(file, `are in ${path}, where this program may not write,`)
  const keyring = createKeyring(file.roots)

  function write(next: KeyFile): void {
    writeAtomically(path, formatKeyFile(next))
    file = next
  }

  /** Only when the roots change: it drops all derived keys. */
  function save(next: KeyFile): void {
    write(next)
    keyring.use(next.roots)
  }

  return {
    keyring,
    writable: true,
    counter: () => file.counter,
    setCounter: counter => write({ ...file, counter }),
    list: () => summaries(file),
    checks: () => checksOf(file.roots),
    rotate(at) {
      const root = newRoot(at)
      save({ ...file, roots: [...file.roots.map(old => ({ ...old, replacedAt: old.replacedAt ?? at })), root] })
      return summaryOf(root)
    },
    retire(ids) {
      const newest = newestOf(file.roots).id
      const remaining = file.roots.filter(root => root.id === newest || !ids.includes(root.id))
      const removed = file.roots.length - remaining.length
      if (removed > 0) save({ ...file, roots: remaining })
      return removed
    },
    signing: () => file.signing,
    setSigning: keys => write({ ...file, signing: keys }),
    copyTo: copy => writeAtomically(copy, formatKeyFile(file)),
  }
}

/** @throws OperatorError that names what cannot be read */
export function readKeys(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new OperatorError(`${what} cannot be read.`, ['It must belong to the user who runs this.'], error)
  }
}

/** @throws OperatorError in place of parsing errors */
export function refusedContent<T>(parse: () => T, what: string): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new OperatorError(`${what} cannot be used: ${error instanceof Error ? error.message : 'unreadable'}.`, [
      'Restore it from your backup. Nothing was changed.',
    ])
  }
}

function summaries(file: KeyFile): KeySummary[] {
  return file.roots.map(summaryOf).reverse()
}

function summaryOf({ id, createdAt, replacedAt }: KeySummary): KeySummary {
  return { id, createdAt, replacedAt }
}

/**
 * Whether a file can be replaced by renaming another over it: not a mounted secret, whether the folder or only the file
 * is mounted.
 */
export function isReplaceable(path: string): boolean {
  if (isMountPoint(path)) return false
  try {
    accessSync(dirname(path), constants.W_OK)
    return true
  } catch {
    return false
  }
}
