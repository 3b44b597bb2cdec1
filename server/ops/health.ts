import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

export interface HealthDeps {
  clock: Clock
  /** Proves that the store can be written. */
  touch: (at: number) => Promise<void>
  draining: () => boolean
}

/** Load balancers check often, but the disk is written at most this often. */
const CACHED_MS = SECOND

/**
 * Whether the server can do its work: null, or why not. Checks by writing a row, since a full disk can still be read.
 */
export function createReadiness({ clock, touch, draining }: HealthDeps): () => Promise<Problem | null> {
  let last: { at: SteadyMs; answer: Promise<Problem | null> } | null = null

  return async () => {
    if (draining()) return new Problem('draining')
    const now = clock.now()
    if (last === null || now.steady - last.at >= CACHED_MS) {
      last = { at: now.steady, answer: touch(now.wall).then(() => null, asProblem) }
    }
    return last.answer
  }
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('store_unavailable', {}, error)
}
