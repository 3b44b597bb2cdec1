import { MINUTE, type Timers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store } from '../store/store.ts'

/**
 * Reads a database whole that was too large for that before the start: once, a minute after it, beside the server.
 * @param end ends the process, because the database is damaged: the next start refuses, and says what to do
 * @returns what stops it as long as it has not begun
 */
export function startIntegrityCheck(
  { store, log, timers }: { store: Pick<Store, 'readWhole'>; log: Log; timers: Timers },
  end: () => void,
): () => void {
  const stop = timers.every(MINUTE, () => {
    stop()
    store.readWhole().then(
      damage => {
        if (damage === null) return
        log.error({ damage }, 'the database is damaged; exiting')
        end()
      },
      (error: unknown) => log.warn({ error }, 'failed to check the integrity of the database'),
    )
  })
  return stop
}
