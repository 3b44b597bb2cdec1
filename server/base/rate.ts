import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type SteadyMs } from './clock.ts'

/** The number of keys remembered; an evicted key starts with a full burst again. */
const KEYS_MAX = 10_000

/** A token bucket for each key (a network, an account). */
export interface Rate {
  /**
   * Takes one token.
   * @returns 0, or the seconds to wait until one is available, in which case none was taken
   */
  take(key: string): number
}

/**
 * @param burst how many at once after a pause
 * @param perSecond the sustained rate
 */
export function createRate(clock: Clock, { burst, perSecond }: { burst: number; perSecond: number }): Rate {
  const buckets = new LRUCache<string, { left: number; at: SteadyMs }>({ max: KEYS_MAX })
  return {
    take(key) {
      const now = clock.now().steady
      const bucket = buckets.get(key) ?? { left: burst, at: now }
      const left = Math.min(burst, bucket.left + ((now - bucket.at) / SECOND) * perSecond)
      const mayGo = left >= 1
      buckets.set(key, { left: mayGo ? left - 1 : left, at: now })
      return mayGo ? 0 : (1 - left) / perSecond
    },
  }
}
