import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'

const FIRST_MS = SECOND
const LONGEST_MS = 30 * SECOND
/** The number of keys remembered; an evicted key may be called at once. */
const KEYS_MAX = 10_000

/** `who`: the distinct users whose calls failed, up to the threshold. `failures`: failures counted since it was reached. */
interface State {
  users: Set<string>
  failures: number
  until: SteadyMs
}

/** Pauses calls after failures, for longer each time, so that not every request calls a provider that is down. */
export interface Backoff {
  /** Milliseconds until calls may resume; 0: now. */
  left(key: string): number
  /**
   * @param user the user whose call failed, because what fails for one user need not fail for all
   * @param askedMs the pause that the provider requested in ms; null: none
   */
  failed(key: string, user: string, askedMs: number | null): void
  succeeded(key: string): void
}

/** @param after the number of distinct users whose calls have to fail in a row before others are paused */
export function createBackoff(clock: Clock, after: number): Backoff {
  const states = new LRUCache<string, State>({ max: KEYS_MAX })
  return {
    left(key) {
      const state = states.get(key)
      return state === undefined ? 0 : Math.max(0, state.until - clock.now().steady)
    },
    failed(key, user, askedMs) {
      const state = states.get(key) ?? { users: new Set<string>(), failures: 0, until: 0 }
      states.set(key, state)
      if (state.users.size < after) state.users.add(user)
      if (state.users.size < after) return
      const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** state.failures)
      state.failures++
      state.until = clock.now().steady + Math.min(LONGEST_MS, Math.max(wait, askedMs ?? 0))
    },
    succeeded: key => void states.delete(key),
  }
}
