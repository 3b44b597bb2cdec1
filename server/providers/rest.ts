import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'

const FIRST_MS = SECOND
const LONGEST_MS = 30 * SECOND
/** Keys that are remembered; one that was pushed out may be asked at once. */
const KEYS_MAX = 10_000

interface State { failures: number, until: SteadyMs }

/** Leaves alone what has just failed, for longer each time, so that a provider in trouble is not asked by every request. */
export interface Rest {
  /** How long it is still left alone, in ms; 0: it may be asked. */
  left(key: string): number
  /** @param askedMs how long it asked to be left alone; null: it did not say */
  failed(key: string, askedMs: number | null): void
  succeeded(key: string): void
}

/** @param after how many failures in a row it takes */
export function createRest(clock: Clock, after: number): Rest {
  const states = new LRUCache<string, State>({ max: KEYS_MAX })
  return {
    left(key) {
      const state = states.get(key)
      return state === undefined ? 0 : Math.max(0, state.until - clock.now().steady)
    },
    failed(key, askedMs) {
      const failures = (states.get(key)?.failures ?? 0) + 1
      const wait = failures < after ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - after))
      states.set(key, { failures, until: clock.now().steady + Math.min(LONGEST_MS, Math.max(wait, askedMs ?? 0)) })
    },
    succeeded: key => void states.delete(key),
  }
}
