import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { dial } from './dial.ts'

/** How long a result is cached, so that opening a page many times does not become a port scan. */
const CACHE_MS = 10 * SECOND
const TIMEOUT_MS = SECOND

/**
 * Whether an upstream accepts connections, with a certificate that is trusted where it has one. That does not tell
 * whether it works.
 * @returns never rejects
 */
export function createReachability(clock: Clock): (upstream: Upstream) => Promise<boolean> {
  const known = new Map<string, { at: SteadyMs; reachable: Promise<boolean> }>()
  return upstream => {
    const { steady } = clock.now()
    const last = known.get(upstream.name)
    if (last !== undefined && steady - last.at < CACHE_MS) return last.reachable
    const reachable = dial(upstream, TIMEOUT_MS).then(failure => failure === null)
    known.set(upstream.name, { at: steady, reachable })
    return reachable
  }
}
