import { DAY, HOUR, MINUTE, type Now } from '../base/clock.ts'

/** The wall clock's offset from the steady clock, and since when. */
export interface ClockWatch {
  /** wall − steady, as currently trusted. */
  trusted: number
  /** A deviating offset, and since when on the steady clock it has been observed. */
  other: { distance: number; since: number } | null
}

const LEAP_MS = HOUR
/** A new offset that persists for this long is accepted. */
const ADOPTED_AFTER_MS = DAY
const SAME_MS = 5 * MINUTE

export const startWatch = (now: Now): ClockWatch => ({ trusted: now.wall - now.steady, other: null })

/**
 * Decides whether the wall clock can be trusted enough to delete old data. A jump (the clock was set by hand, its time
 * source is wrong, or the machine slept) could make everything look old at once.
 * @returns the next state, and in `leapt` the jump in ms if it has just occurred
 */
export function watchClock(
  watch: ClockWatch,
  now: Now,
): { watch: ClockWatch; steady: boolean; jumpedBy: number | null } {
  const distance = now.wall - now.steady
  // Small corrections are accepted, so that they do not add up to a jump over a year.
  if (Math.abs(distance - watch.trusted) <= LEAP_MS)
    return { watch: { trusted: distance, other: null }, steady: true, jumpedBy: null }
  const candidate = watch.other !== null && Math.abs(distance - watch.other.distance) <= SAME_MS ? watch.other : null
  if (candidate === null)
    return {
      watch: { trusted: watch.trusted, other: { distance, since: now.steady } },
      steady: false,
      jumpedBy: distance - watch.trusted,
    }
  if (now.steady - candidate.since >= ADOPTED_AFTER_MS)
    return { watch: { trusted: distance, other: null }, steady: true, jumpedBy: null }
  return { watch, steady: false, jumpedBy: null }
}
