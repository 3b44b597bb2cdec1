import { HOUR, MINUTE, SECOND } from '../base/clock.ts'

/** Greylisting servers take a mail after a few minutes; full mailboxes take hours (RFC 5321 §4.5.4.1). */
const WAITS_MS = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR]
/** A mail whose delivery is in doubt is sent once more, never a third time. */
export const MAX_DOUBTS = 2

const FIRST_PAUSE_MS = 30 * SECOND
const LONGEST_PAUSE_MS = 15 * MINUTE

/** Milliseconds until a mail is tried again after `attempts` that the server deferred. */
export function retryAfterMs(attempts: number): number {
  return WAITS_MS[Math.min(attempts, WAITS_MS.length) - 1] ?? MINUTE
}

/** Milliseconds without any attempt, after `failures` in a row in which the server was no help at all. */
export function pauseMs(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS)
}
