import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { OperatorError } from '../base/operator-error.ts'
import type { KeySource } from '../config/types.ts'
import { makePrivateFolder, realPath, writeAtomically } from '../base/private-files.ts'
import { formatSigningFile, parseSigningFile } from './file.ts'
import { isReplaceable, type Keys, readKeys, refusedContent } from './keys.ts'
import type { SigningKey } from './signing-key.ts'

/** The private keys that sign upstream tokens, wherever they are stored. */
export interface SigningKeys {
  /** False if they came as the content of a setting, or from a file that we may not write. */
  readonly writable: boolean
  /** Whether they are stored apart from the key file. */
  readonly separate: boolean
  all(): readonly SigningKey[]
  /** Stores exactly these; in memory only if the keys are read-only. */
  save(keys: readonly SigningKey[]): void
  /** Copies their own file to another place, for a backup that was asked to include it. */
  copyTo(path: string): void
}

type KeyFileKeys = Pick<Keys, 'writable' | 'signing' | 'setSigning'>

/**
 * Opens the signing keys. Those still in the key file are moved to the file configured for them.
 * @param used whether this installation has signed before, so that a missing file means a lost one
 * @param mayWrite false for read-only callers, which move nothing
 * @throws OperatorError if the file is missing, unreadable or corrupt
 */
export function openSigningKeys(
  source: KeySource | null,
  keys: KeyFileKeys,
  { used, mayWrite }: { used: boolean; mayWrite: boolean },
): SigningKeys {
  if (source === null) {
    return {
      writable: keys.writable,
      separate: false,
      all: keys.signing,
      save: keys.setSigning,
      // They are part of the key file's copy.
      copyTo: () => {},
    }
  }
  if (!('file' in source)) return merged(fromContent(source.content.reveal()), keys)
  return mayWrite ? moved(fromFile(source.file, keys, used), keys) : merged(inspected(source.file, keys, used), keys)
}

/** Written before the key file, so that a crash in between leaves the keys in both. */
function moved(own: SigningKeys, keys: KeyFileKeys): SigningKeys {
  merged(own, keys)
  if (own.writable && keys.writable && keys.signing().length > 0) keys.setSigning([])
  return own
}

function merged(own: SigningKeys, keys: KeyFileKeys): SigningKeys {
  const known = new Set(own.all().map(({ id }) => id))
  const others = keys.signing().filter(({ id }) => !known.has(id))
  if (others.length > 0) own.save([...own.all(), ...others])
  return own
}

function fromContent(text: string): SigningKeys {
  return inMemory(refusedContent(() => parseSigningFile(text), 'The setting PORCHLIGHT_SIGNING_KEYS'))
}

function inMemory(initial: readonly SigningKey[]): SigningKeys {
  let signing = initial
  return {
    writable: false,
    separate: true,
    all: () => signing,
    save(next) {
      signing = next
    },
    copyTo: path => writeAtomically(path, formatSigningFile(signing)),
  }
}

function inspected(path: string, keys: KeyFileKeys, used: boolean): SigningKeys {
  if (existsSync(path)) return { ...inMemory(readSigning(path)), writable: isReplaceable(realPath(path)) }
  refuseLost(path, keys, used)
  return { ...inMemory([]), writable: true }
}

function readSigning(path: string): readonly SigningKey[] {
  const what = `The file of signing keys ${path}`
  return refusedContent(() => parseSigningFile(readKeys(path, what)), what)
}

function refuseLost(path: string, keys: KeyFileKeys, used: boolean): void {
  if (!used || keys.signing().length > 0) return
  throw new OperatorError(`The file of signing keys ${path} is missing.`, [
    'Restore it from your backup.',
    'If it is lost for good, start once without PORCHLIGHT_SIGNING_KEYS to create new keys. Upstreams accept their tokens once they have fetched the keys again.',
  ])
}

function fromFile(named: string, keys: KeyFileKeys, used: boolean): SigningKeys {
  const path = realPath(named)
  if (!existsSync(path)) {
    refuseLost(path, keys, used)
    makePrivateFolder(dirname(path))
    writeAtomically(path, formatSigningFile([]))
  }
  let signing = readSigning(path)
  if (!isReplaceable(path)) return inMemory(signing)
  return {
    writable: true,
    separate: true,
    all: () => signing,
    save(next) {
      writeAtomically(path, formatSigningFile(next))
      signing = next
    },
    copyTo: copy => writeAtomically(copy, formatSigningFile(signing)),
  }
}
