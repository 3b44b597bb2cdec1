import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'

const FIRST_MS = SECOND
const LONGEST_MS = 30 * SECOND
/** Keys that are remembered; one that was pushed out may be asked at once. */
const KEYS_MAX = 10_000

/** `who`: whose calls failed, as many as it takes and no more. `failures`: since then. */
interface State {
  who: Set<string>
  failures: number
  until: SteadyMs
}

/**
 * Leaves alone what has just failed, for longer each time, so that a provider in trouble is not asked by every request.
 */
export interface Backoff {
  /** How long it is still left alone, in ms; 0: it may be asked. */
  left(key: string): number
  /**
   * @param who whose call it was: what fails for one person alone is not what fails for all
   * @param askedMs how long it asked to be left alone; null: it did not say
   */
  failed(key: string, who: string, askedMs: number | null): void
  succeeded(key: string): void
}

/** @param after how many have to fail in a row before the rest are kept away */
export function createBackoff(clock: Clock, after: number): Backoff {
  const states = new LRUCache<string, State>({ max: KEYS_MAX })
  return {
    left(key) {
      const state = states.get(key)
      return state === undefined ? 0 : Math.max(0, state.until - clock.now().steady)
    },
    failed(key, who, askedMs) {
      const state = states.get(key) ?? { who: new Set<string>(), failures: 0, until: 0 }
      states.set(key, state)
      if (state.who.size < after) state.who.add(who)
      if (state.who.size < after) return
      const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** state.failures)
      state.failures++
      state.until = clock.now().steady + Math.min(LONGEST_MS, Math.max(wait, askedMs ?? 0))
    },
    succeeded: key => void states.delete(key),
  }
}
