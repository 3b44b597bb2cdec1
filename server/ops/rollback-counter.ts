import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Keys } from '../keys/keys.ts'
import type { Store } from '../store/types.ts'

export interface CounterDeps {
  keys: Keys
  store: Store
  clock: Clock
  log: Log
}

/**
 * Compares the two counters and raises both, at the start. A lower counter in the database means that an older copy was
 * silently restored: tokens and codes used since then would be valid again, so everything ends.
 * @returns whether it was rolled back
 */
export async function detectRollback({ keys, store, clock, log }: CounterDeps): Promise<boolean> {
  const fileCounter = keys.counter()
  if (fileCounter === null) return false
  const databaseCounter = await store.keyRecords.counter()
  const rolledBack = databaseCounter < fileCounter
  if (rolledBack) {
    // Nothing is running yet that would have to be notified.
    const ended = await store.maintenance.revokeAll({ reason: 'store_rolled_back', at: clock.now().wall }, () => {})
    log.warn(
      { event: 'database_rolled_back', database: databaseCounter, keyFile: fileCounter, ended },
      'the database is older than the key file, so it was restored by hand; every session was ended and every one-time link is void',
    )
  } else if (databaseCounter > fileCounter + 1) {
    log.warn(
      { event: 'key_file_outdated', database: databaseCounter, keyFile: fileCounter },
      'the key file is older than the database, so it was restored by hand or not written; sessions under newer keys are lost',
    )
  }
  await raise(keys, store, Math.max(fileCounter, databaseCounter) + 1)
  return rolledBack
}

/** Raises both counters, the database's first, so that a crash in between cannot look like a rollback. */
export async function raiseCounter({ keys, store }: Pick<CounterDeps, 'keys' | 'store'>): Promise<void> {
  const fileCounter = keys.counter()
  if (fileCounter !== null) await raise(keys, store, fileCounter + 1)
}

async function raise(keys: Keys, store: Store, counter: number): Promise<void> {
  await store.keyRecords.setCounter(counter)
  keys.setCounter(counter)
}
