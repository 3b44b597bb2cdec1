import { SECOND, type UnixMs } from './clock.ts'

/** The longest duration accepted from outside: ten years. */
const SECONDS_MAX = 10 * 365 * 86_400
/** The latest time accepted from outside: the end of the year 9999 (RFC 3339). */
const INSTANT_MAX = 253_402_300_799

/**
 * Parses a duration in seconds from an untrusted source, a number or decimal digits, to whole seconds of at most ten
 * years.
 * @returns null for anything else, including negative numbers and NaN
 */
export function durationOf(value: unknown): number | null {
  return bounded(value, SECONDS_MAX)
}

/**
 * Parses a time in seconds since 1970 from an untrusted source (RFC 7519 §2 allows fractions) to whole milliseconds.
 * @returns null for anything else, including negative numbers and NaN
 */
export function instantOf(value: unknown): UnixMs | null {
  const seconds = bounded(value, INSTANT_MAX)
  return seconds === null ? null : seconds * SECOND
}

function bounded(value: unknown, max: number): number | null {
  const number = typeof value === 'string' && /^\s*\d+(?:\.\d*)?(?:e\+?\d+)?\s*$/i.test(value) ? Number(value) : value
  // A number such as `1e999`, which is valid JSON, parses to Infinity and is capped below.
  if (typeof number !== 'number' || Number.isNaN(number) || number < 0) return null
  // Adding 0 turns -0 into 0.
  return Math.floor(Math.min(number, max)) + 0
}
