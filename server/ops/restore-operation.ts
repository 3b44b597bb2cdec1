import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { Config } from '../config/types.ts'
import { type Keys, openKeys } from '../keys/keys.ts'
import { type Restored, restoreDatabase } from '../store/sqlite/restore-snapshot.ts'
import type { KeyCheck, Verifier } from '../store/types.ts'
import { LOCK_WAIT_MS, withDataDirLock } from './data-dir-lock.ts'
import { keyMismatch } from './key-checks.ts'

export interface RestoreInput {
  file: string
  /** Continue although the keys do not match the backup. */
  anyway: boolean
}

/**
 * Replaces the database with a backup, while no server is running.
 * @throws OperatorError if one is, if the backup is invalid, or if the key file does not match it
 */
export async function restore(
  { config, clock, log }: { config: Config; clock: Clock; log: Log },
  { file, anyway }: RestoreInput,
): Promise<Restored> {
  return withDataDirLock(config, { what: 'restore', log, waitMs: LOCK_WAIT_MS }, async release => {
    const keys = openKeys(config.keys, false, clock.now().wall)
    const restored = await restoreDatabase({
      source: file,
      dataDir: config.dataDir,
      clock,
      counter: keys.counter(),
      check: (sample, known) => checkKeys(keys, { sample, known }, anyway),
      // Signing keys seal nothing, so the current ones match any backup.
      keyChecks: { roots: keys.checks(), signing: [] },
    })
    release()
    return restored
  })
}

async function checkKeys(
  keys: Keys,
  { sample, known }: { sample: Verifier[]; known: KeyCheck[] },
  anyway: boolean,
): Promise<void> {
  if (anyway) return
  const { keyring } = keys
  const mismatch = keyMismatch('roots', known, keys.checks())
  const opened = await Promise.all(sample.map(({ id, passwordSealed }) => keyring.open('at-rest', passwordSealed, id)))
  if (mismatch !== null || (sample.length > 0 && opened.every(payload => payload === null))) {
    throw new OperatorError('This backup was sealed with other keys, so no password in it would work.', [
      'Restore the matching key file first, or continue with --anyway and create reset links.',
    ])
  }
}
