import { DAY, HOUR, MINUTE, type Now } from '../base/clock.ts'

/** How far the wall clock is from the steady one, and since when. */
export interface ClockWatch {
  /** wall − steady, as it is trusted. */
  trusted: number
  /** Another distance that was seen, and since when on the steady clock. */
  other: { distance: number; since: number } | null
}

const LEAP_MS = HOUR
/** A new time that has held for so long is the right one. */
const ADOPTED_AFTER_MS = DAY
const SAME_MS = 5 * MINUTE

export const startWatch = (now: Now): ClockWatch => ({ trusted: now.wall - now.steady, other: null })

/**
 * Whether the wall clock can be believed enough to delete by it. A clock that leaps (set by hand, a wrong time source,
 * a machine that slept) would make everything look old at once.
 * @returns the next state, and `leapt` when it has just begun, by how many ms
 */
export function watchClock(watch: ClockWatch, now: Now): { watch: ClockWatch; steady: boolean; leapt: number | null } {
  const distance = now.wall - now.steady
  // Small corrections are followed, so that a year of them does not add up to a leap.
  if (Math.abs(distance - watch.trusted) <= LEAP_MS)
    return { watch: { trusted: distance, other: null }, steady: true, leapt: null }
  const held = watch.other !== null && Math.abs(distance - watch.other.distance) <= SAME_MS ? watch.other : null
  if (held === null)
    return {
      watch: { trusted: watch.trusted, other: { distance, since: now.steady } },
      steady: false,
      leapt: distance - watch.trusted,
    }
  if (now.steady - held.since >= ADOPTED_AFTER_MS)
    return { watch: { trusted: distance, other: null }, steady: true, leapt: null }
  return { watch, steady: false, leapt: null }
}
