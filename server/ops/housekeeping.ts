import { setImmediate as nextTurn } from 'node:timers/promises'
import { DAY, HOUR, MINUTE, type Timers, type UnixMs } from '../base/clock.ts'
import { THROTTLE_KEPT_MS } from '../accounts/credential-throttle.ts'
import type { Sessions } from '../session/types.ts'
import type { HousekeepingStore } from '../store/housekeeping-queries.ts'
import { type ClockWatch, startWatch, watchClock } from './clock-watch.ts'
import { raiseCounter } from './rollback-counter.ts'
import { retireOldKeys, retireSigningKeys, rotateSigningKeyWhenDue } from './key-operations.ts'
import { walkInBatches } from './in-batches.ts'
import type { OperationServices } from './services.ts'

/** How long an ended session and a line of the security log are kept. */
const KEPT_MS = 90 * DAY
const CODES_KEPT_MS = 7 * DAY
/** Past its end a name is refused for that; a clock that is set back a little must not make it new. */
const SINGLE_USES_KEPT_MS = DAY
const EVERY_MS = HOUR
/** Rows of failed attempts: some 20 MB. */
const THROTTLES_MAX = 200_000
const FIRST_AFTER_MS = MINUTE
/** Rows in one transaction: what a request may have to wait for. */
const BATCH = 100

/** What else is tidied up: gives back and deletes what ended sessions were granted. */
interface Grants {
  tidy(): Promise<number>
}

export type HousekeepingDeps = OperationServices & { timers: Timers; vault: Grants }

export interface Housekeeping {
  /**
   * One pass.
   * @returns what it deleted; null when the clock is not to be trusted
   */
  run(): Promise<Record<string, number> | null>
  /** Begins no further pass, and waits for one under way. */
  stop(): Promise<void>
}

/** Tidies up every hour, the first time a minute after the start. A pass that fails is logged and tried again. */
export function startHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const { clock, log, timers } = deps
  let watch: ClockWatch = startWatch(clock.now())
  let running: Promise<unknown> = Promise.resolve()
  let passes = 0

  async function run(): Promise<Record<string, number> | null> {
    const now = clock.now()
    const judged = watchClock(watch, now)
    watch = judged.watch
    if (judged.leapt !== null)
      log.warn(
        { hours: Math.round((judged.leapt / HOUR) * 10) / 10 },
        'the clock jumped; nothing is deleted until it has been stable for a day',
      )
    await raiseCounter(deps)
    if (!judged.steady) return null
    const deleted = await tidy(deps, now.wall)
    await retireOldKeys(deps, now.wall)
    retireSigningKeys(deps, now.wall)
    await rotateSigningKeyWhenDue(deps, now.wall)
    await deps.store.meta.checkpoint()
    if (Object.values(deleted).some(count => count > 0)) log.info({ deleted }, 'housekeeping')
    return deleted
  }

  function pass(): void {
    running = running.then(run).catch((error: unknown) => log.warn({ error }, 'housekeeping failed; will retry'))
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

async function tidy({ store, sessions, vault }: HousekeepingDeps, now: UnixMs): Promise<Record<string, number>> {
  const { housekeeping } = store
  return {
    sessions: await inBatches(limit => housekeeping.sessions(now - KEPT_MS, limit)),
    events: await inBatches(limit => housekeeping.events(now - KEPT_MS, limit)),
    codes: await inBatches(limit => housekeeping.codes(now - CODES_KEPT_MS, limit)),
    throttles: await inBatches(limit => housekeeping.throttles(now - THROTTLE_KEPT_MS, limit)),
    surplusThrottles: await inBatches(limit => housekeeping.surplusThrottles(THROTTLES_MAX, limit)),
    singleUses: await inBatches(limit => housekeeping.singleUses(now - SINGLE_USES_KEPT_MS, limit)),
    overdueGrants: await endOverdueGrants(housekeeping, sessions, now),
    providerGrants: await vault.tidy(),
  }
}

/**
 * A session that nobody comes back to is ended like any other, for what a provider granted to it hangs on that. When
 * somebody was last seen may not be on disk yet, so the room of sessions has the last word.
 * @returns how many grants or sessions are over
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
    const gone = await remove(BATCH)
    total += gone
    if (gone < BATCH) return total
    // Requests that came in meanwhile go first.
    await nextTurn()
  }
}
