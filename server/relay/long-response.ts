import { HOUR, SECOND } from '../base/clock.ts'
import type { Upstream } from '../config/upstream-config.ts'

/** A response whose body is still open after this counts as a stream, whatever its content type. */
const LONG_MS = 5 * SECOND
/** A body of announced length ends by itself, so it gets as much time as an upload. */
const SIZED_LIFE_MS = 6 * HOUR

/** How long a body may stay open before it counts as a stream. */
export function longAfterMs({ streamMaxMs }: Upstream): number {
  return Math.min(LONG_MS, streamMaxMs)
}

/** How long a long response may take, from its beginning. */
export function longLifeMs({ streamMaxMs }: Upstream, isSized: boolean): number {
  return isSized ? Math.max(SIZED_LIFE_MS, streamMaxMs) : streamMaxMs
}
