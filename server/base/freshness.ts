import { MINUTE, type UnixMs } from './clock.ts'

/** For this long after a sign-in nobody is asked again who they are. */
export const FRESH_MS = 15 * MINUTE

/** A little of the future is the clock's own correction. */
const CORRECTION_MS = MINUTE

/**
 * Whether somebody showed who they are so lately. A sign-in in what is the future again, since the clock was set back,
 * shows nothing: it would stay fresh until that future has come.
 */
export function isFresh(authTime: UnixMs, withinMs: number, now: UnixMs): boolean {
  return now - authTime <= withinMs && authTime - now <= CORRECTION_MS
}
