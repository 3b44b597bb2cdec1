import { type Clock, MINUTE, type SteadyMs } from '../base/clock.ts'
import type { HousekeepingStore } from '../store/types.ts'
import { walkInBatches } from './in-batches.ts'

/** What was counted last is good for this long: everybody may scrape as often as they like. */
const KEPT_MS = MINUTE
/** Counting stops here, which is reported as this many. */
export const COUNTED_MAX = 500_000

/** Counts the sessions that have not ended, in batches between which requests are handled. */
export function createSessionCount(store: Pick<HousekeepingStore, 'countLiving'>, clock: Clock): () => Promise<number> {
  let last: { at: SteadyMs; count: Promise<number> } | null = null

  async function count(): Promise<number> {
    const at = clock.now().wall
    let total = 0
    await walkInBatches(async (after, limit) => {
      const { living, next } = await store.countLiving(at, after, limit)
      total += living
      return total < COUNTED_MAX ? next : null
    })
    return Math.min(total, COUNTED_MAX)
  }

  return () => {
    const { steady } = clock.now()
    if (last === null || steady - last.at >= KEPT_MS) {
      const counting = count()
      last = { at: steady, count: counting }
      counting.catch(() => {
        last = null
      })
    }
    return last.count
  }
}
