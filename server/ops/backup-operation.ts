import { existsSync } from 'node:fs'
import { OperatorError } from '../base/operator-error.ts'
import { raiseCounter } from './rollback-counter.ts'
import type { OperationServices } from './services.ts'

/**
 * `signingKeys`: where the copy of a file of signing keys is; null: they are in the key file, or no keys were asked
 * for.
 */
export interface BackupAnswer {
  file: string
  keys: string | null
  signingKeys: string | null
}

/**
 * Copies the database, and the keys where asked, while everything goes on.
 * @throws OperatorError when there is such a file already, or no place for it; Problem `store_unavailable` when it
 * cannot be written
 */
export async function writeBackup(
  { store, keys, signingKeys, log }: Pick<OperationServices, 'store' | 'keys' | 'signingKeys' | 'log'>,
  { file, withKeys }: { file: string; withKeys: boolean },
): Promise<BackupAnswer> {
  const keysFile = withKeys ? `${file}.keys.json` : null
  const signingFile = withKeys && signingKeys.apart ? `${file}.signing-keys.json` : null
  const taken = [file, keysFile, signingFile].find(path => path !== null && existsSync(path))
  if (taken !== undefined && taken !== null)
    throw new OperatorError(`${taken} already exists.`, ['Choose another name: a backup never overwrites a file.'])
  await store.backup(file).catch((cause: unknown) => {
    throw asOperatorError(file, cause)
  })
  // From now on the copy counts less than the key file: put back by hand, it is told even if this process is killed
  // next.
  await raiseCounter({ keys, store })
  if (keysFile !== null) keys.copyTo(keysFile)
  if (signingFile !== null) signingKeys.copyTo(signingFile)
  log.info({ file, keys: keysFile !== null }, 'backup written')
  return { file, keys: keysFile, signingKeys: signingFile }
}

/**
 * What to do about a folder that is not there or not ours. What else may go wrong is the disk's or the database's
 * affair.
 */
const PLACES: Partial<Record<string, string>> = {
  ENOENT: 'The folder does not exist. Create it first.',
  ENOTDIR: 'Part of the path is not a folder.',
  EACCES: 'The user who runs the server must be allowed to write there.',
  EPERM: 'The user who runs the server must be allowed to write there.',
  EROFS: 'Nothing can be written there. Choose another place.',
}

function asOperatorError(file: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const advice = PLACES[code]
  return advice === undefined ? cause : new OperatorError(`${file} cannot be written (${code}).`, [advice], cause)
}
