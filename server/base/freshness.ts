import { MINUTE, type UnixMs } from './clock.ts'

/** For this long after signing in, sensitive actions do not ask for the password again. */
export const FRESH_MS = 15 * MINUTE

/** Tolerance for a clock that was set back slightly. */
const TOLERANCE_MS = MINUTE

/**
 * Whether the last sign-in is recent enough. A sign-in that lies in the future (the clock was set back) counts as
 * stale, because it would otherwise stay fresh until the clock catches up.
 */
export function isFresh(authTime: UnixMs, withinMs: number, now: UnixMs): boolean {
  return now - authTime <= withinMs && authTime - now <= TOLERANCE_MS
}
