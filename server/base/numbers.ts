import { SECOND, type UnixMs } from './clock.ts'

/** No duration that somebody else names is longer: ten years. */
const SECONDS_MAX = 10 * 365 * 86_400
/** No time that somebody else names is later: the end of the year 9999 (RFC 3339). */
const INSTANT_MAX = 253_402_300_799

/**
 * A duration in seconds as somebody else wrote it, as a number or in digits: whole, and not longer than ten years.
 * @returns null for anything that is no duration, negative ones and NaN among them
 */
export function durationOf(value: unknown): number | null {
  return bounded(value, SECONDS_MAX)
}

/**
 * A time in seconds since 1970 as somebody else wrote it (RFC 7519 §2: fractions are allowed), in whole milliseconds.
 * @returns null for anything that is no time, negative ones and NaN among them
 */
export function instantOf(value: unknown): UnixMs | null {
  const seconds = bounded(value, INSTANT_MAX)
  return seconds === null ? null : seconds * SECOND
}

function bounded(value: unknown, most: number): number | null {
  const number = typeof value === 'string' && /^\s*\d+(?:\.\d*)?(?:e\+?\d+)?\s*$/i.test(value) ? Number(value) : value
  // An exponent too large for a number makes it infinite, which is still a number: JSON knows `1e999`.
  if (typeof number !== 'number' || Number.isNaN(number) || number < 0) return null
  // Adding 0 takes the sign off a negative zero.
  return Math.floor(Math.min(number, most)) + 0
}
