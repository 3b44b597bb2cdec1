import type { Clock } from '../base/clock.ts'
import { Refusal } from '../base/refusal.ts'
import type { Config } from '../config/types.ts'
import { openKeys } from '../keys/keys.ts'
import type { Keyring } from '../keys/types.ts'
import type { Verifier } from '../store/accounts.ts'
import { type Restored, restoreDatabase } from '../store/restore.ts'
import { holdingDataFolder } from './hold.ts'

export interface RestoreInput {
  file: string
  /** Go on although the keys do not fit the backup. */
  anyway: boolean
}

/** Puts a backup in place of the database. No server may run meanwhile.
 * @throws Refusal when one does, when the backup is not sound, or when the key file does not fit it */
export async function restore({ config, clock }: { config: Config, clock: Clock }, { file, anyway }: RestoreInput): Promise<Restored> {
  return holdingDataFolder(config.dataDir, 'restore', async (release) => {
    const keys = openKeys(config.keys, false, clock.now().wall)
    const restored = await restoreDatabase({
      source: file,
      dataDir: config.dataDir,
      clock,
      counter: keys.counter(),
      check: sample => checkKeys(keys.keyring, sample, anyway),
    })
    release()
    return restored
  })
}

async function checkKeys(keyring: Keyring, sample: Verifier[], anyway: boolean): Promise<void> {
  const opened = await Promise.all(sample.map(({ id, passwordSealed }) => keyring.open('at-rest', passwordSealed, id)))
  if (sample.length > 0 && opened.every(one => one === null) && !anyway) {
    throw new Refusal('The passwords in this backup were sealed with other keys: nobody could sign in with one.', [
      'Put the key file of the same time in its place first, or go on with --anyway and make reset links.',
    ])
  }
}
