import { HOUR, SECOND } from '../base/clock.ts'
import type { Upstream } from '../config/upstream-config.ts'

/** A response whose body is still open after this is a stream, whatever its upstream calls it. */
const LONG_MS = 5 * SECOND
/** A body that says its length ends by itself: it gets the time that an upload gets. */
const SIZED_LIFE_MS = 6 * HOUR

/** How long a body may be open before it counts as a stream. */
export function longAfterMs({ streamMaxMs }: Upstream): number {
  return Math.min(LONG_MS, streamMaxMs)
}

/** How long a long response may go on, from its beginning. */
export function longLifeMs({ streamMaxMs }: Upstream, isSized: boolean): number {
  return isSized ? Math.max(SIZED_LIFE_MS, streamMaxMs) : streamMaxMs
}
