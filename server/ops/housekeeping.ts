import { setImmediate as nextTurn } from 'node:timers/promises'
import { DAY, HOUR, MINUTE, type Timers, type UnixMs } from '../base/clock.ts'
import { THROTTLE_KEPT_MS } from '../accounts/credential-throttle.ts'
import type { Sessions } from '../session/types.ts'
import type { HousekeepingStore } from '../store/types.ts'
import { type ClockWatch, startWatch, watchClock } from './clock-watch.ts'
import { raiseCounter } from './rollback-counter.ts'
import { retireOldKeys, retireSigningKeys, rotateSigningKeyWhenDue } from './key-operations.ts'
import { walkInBatches } from './in-batches.ts'
import type { OperationServices } from './operation-services.ts'

/** How long ended sessions and security events are kept. */
const KEPT_MS = 90 * DAY
const CODES_KEPT_MS = 7 * DAY
/** So that an operator can see what became of a mail. */
const MAILS_KEPT_MS = 7 * DAY
/**
 * Expired names are rejected by their age; kept a little longer, so that setting the clock back slightly does not make
 * them reusable.
 */
const SINGLE_USES_KEPT_MS = DAY
const EVERY_MS = HOUR
/** Maximum rows of failed attempts: some 20 MB. */
const THROTTLES_MAX = 200_000
const FIRST_AFTER_MS = MINUTE
/** Rows per transaction, which is how long a request may have to wait. */
const BATCH = 100

/** Revokes and deletes the grants of ended sessions. */
interface Grants {
  cleanUp(): Promise<number>
}

export type HousekeepingDeps = OperationServices & { timers: Timers; vault: Grants }

export interface Housekeeping {
  /**
   * One pass.
   * @returns the numbers of deleted rows; null while the clock is not trusted
   */
  run(): Promise<Record<string, number> | null>
  /** Starts no more passes, and waits for one in progress. */
  stop(): Promise<void>
}

/** Runs every hour, for the first time a minute after the start. A failed pass is logged and retried. */
export function startHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const { clock, log, timers } = deps
  let watch: ClockWatch = startWatch(clock.now())
  let running: Promise<unknown> = Promise.resolve()
  let passes = 0

  async function run(): Promise<Record<string, number> | null> {
    const now = clock.now()
    const judged = watchClock(watch, now)
    watch = judged.watch
    if (judged.jumpedBy !== null)
      log.warn(
        { event: 'clock_jumped', hours: Math.round((judged.jumpedBy / HOUR) * 10) / 10 },
        'the clock jumped; nothing is deleted until it has been stable for a day',
      )
    await raiseCounter(deps)
    if (!judged.steady) return null
    const deleted = await deleteOld(deps, now.wall)
    await retireOldKeys(deps, now.wall)
    retireSigningKeys(deps, now.wall)
    await rotateSigningKeyWhenDue(deps, now.wall)
    await deps.store.maintenance.tidy()
    if (Object.values(deleted).some(count => count > 0))
      log.info({ event: 'housekeeping_finished', deleted }, 'housekeeping')
    return deleted
  }

  function pass(): void {
    running = running
      .then(run)
      .catch((error: unknown) => log.warn({ event: 'housekeeping_failed', error }, 'housekeeping failed; will retry'))
  }

  const stopTimer = timers.every(FIRST_AFTER_MS, () => {
    const due = passes % (EVERY_MS / FIRST_AFTER_MS) === 0
    passes++
    if (due) pass()
  })
  return {
    run,
    async stop() {
      stopTimer()
      await running
    },
  }
}

async function deleteOld({ store, sessions, vault }: HousekeepingDeps, now: UnixMs): Promise<Record<string, number>> {
  const { housekeeping } = store
  return {
    sessions: await inBatches(limit => housekeeping.sessions(now - KEPT_MS, limit)),
    events: await inBatches(limit => housekeeping.events(now - KEPT_MS, limit)),
    codes: await inBatches(limit => housekeeping.codes(now - CODES_KEPT_MS, limit)),
    mails: await inBatches(limit => housekeeping.mails(now - MAILS_KEPT_MS, limit)),
    throttles: await inBatches(limit => housekeeping.throttles(now - THROTTLE_KEPT_MS, limit)),
    surplusThrottles: await inBatches(limit => housekeeping.surplusThrottles(THROTTLES_MAX, limit)),
    singleUses: await inBatches(limit => housekeeping.singleUses(now - SINGLE_USES_KEPT_MS, limit)),
    overdueGrants: await endOverdueGrants(housekeeping, sessions, now),
    providerGrants: await vault.cleanUp(),
  }
}

/**
 * Ends sessions that are overdue, because the provider grants of an abandoned one would otherwise never be revoked. The
 * last activity may not be on disk yet, so the session room decides.
 * @returns how many grants or sessions have ended
 */
async function endOverdueGrants(
  store: HousekeepingStore,
  sessions: Pick<Sessions, 'endIfOver'>,
  now: UnixMs,
): Promise<number> {
  let total = 0
  await walkInBatches(async (after, limit) => {
    const { orphaned, overdue, next } = await store.overdueGrants(now, after, limit)
    for (const sessionId of overdue) if ((await sessions.endIfOver(sessionId)) === null) total++
    total += orphaned
    return next
  })
  return total
}

async function inBatches(remove: (limit: number) => Promise<number>): Promise<number> {
  for (let total = 0; ;) {
    const removed = await remove(BATCH)
    total += removed
    if (removed < BATCH) return total
    // Lets requests that arrived in the meantime go first.
    await nextTurn()
  }
}
