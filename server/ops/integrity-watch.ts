import { MINUTE, type Timers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MaintenanceStore } from '../store/types.ts'

/**
 * Checks, a minute after the start, a database that was too large to be read whole before it.
 * @param end ends the process because the database is damaged; the next start refuses and explains
 * @returns a function that cancels it, unless it has begun
 */
export function startIntegrityCheck(
  { store, log, timers }: { store: Pick<MaintenanceStore, 'findDamage'>; log: Log; timers: Timers },
  end: () => void,
): () => void {
  const stop = timers.every(MINUTE, () => {
    stop()
    store.findDamage().then(
      damage => {
        if (damage === null) return
        log.error({ event: 'database_damaged', damage }, 'the database is damaged; exiting')
        end()
      },
      (error: unknown) =>
        log.warn({ event: 'integrity_check_failed', error }, 'failed to check the integrity of the database'),
    )
  })
  return stop
}
