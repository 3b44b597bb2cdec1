import { existsSync } from 'node:fs'
import { OperatorError } from '../base/operator-error.ts'
import { raiseCounter } from './rollback-counter.ts'
import type { OperationServices } from './operation-services.ts'

/** `signingKeys`: the path of the copied file of signing keys; null: they are in the key file, or keys were not requested. */
export interface BackupAnswer {
  file: string
  keys: string | null
  signingKeys: string | null
}

/**
 * Copies the database, and the keys if requested, while the server runs.
 * @throws OperatorError if a file exists already or its folder cannot be used; Problem `store_unavailable` if writing
 * fails
 */
export async function writeBackup(
  { store, keys, signingKeys, log, clock }: Pick<OperationServices, 'store' | 'keys' | 'signingKeys' | 'log' | 'clock'>,
  { file, withKeys }: { file: string; withKeys: boolean },
): Promise<BackupAnswer> {
  const keysFile = withKeys ? `${file}.keys.json` : null
  const signingFile = withKeys && signingKeys.separate ? `${file}.signing-keys.json` : null
  const taken = [file, keysFile, signingFile].find(path => path !== null && existsSync(path))
  if (taken !== undefined && taken !== null)
    throw new OperatorError(`${taken} already exists.`, ['Choose another name: a backup never overwrites a file.'])
  await store.maintenance.backup(file, clock.now().wall).catch((cause: unknown) => {
    throw asOperatorError(file, cause)
  })
  // The copy's counter is now below the key file's, so that restoring it by hand is detected even if this process is
  // killed next.
  await raiseCounter({ keys, store })
  if (keysFile !== null) keys.copyTo(keysFile)
  if (signingFile !== null) signingKeys.copyTo(signingFile)
  log.info({ event: 'backup_written', file, keys: keysFile !== null }, 'wrote a backup')
  return { file, keys: keysFile, signingKeys: signingFile }
}

/** What to do if the folder does not exist or is not ours. Other errors are the disk's or the database's. */
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
