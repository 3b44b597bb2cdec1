import { Refusal } from '../base/refusal.ts'
import { takeLock } from '../store/lock.ts'

/** How long to wait for somebody who is about to let go of the data folder. */
const PATIENCE_MS = 2000

/** Keeps a data folder for this process alone. @returns what lets go of it @throws Refusal that says who has it */
export function holdDataFolder(dataDir: string, what: string): () => void {
  const lock = takeLock(dataDir, what, PATIENCE_MS)
  if (lock.state === 'held') return lock.release
  const who = lock.by === null ? 'Another process' : `Another process (${lock.by.what}, pid ${lock.by.pid})`
  throw new Refusal(`${who} is working on the data folder ${dataDir}.`, ['Two would spoil each other\'s work. Stop that one first, or give this one a folder of its own (PORCHLIGHT_DATA_DIR).'])
}
