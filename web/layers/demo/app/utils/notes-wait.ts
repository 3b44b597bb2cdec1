const FIRST_MS = 1_000
const LONGEST_MS = 60_000

/**
 * How long to wait before the next attempt to connect: doubled each time, and never the same for all who lost the
 * server in one moment.
 * @param failures in a row, 0 for the first
 * @param random 0 to 1
 * @returns milliseconds
 */
export function waitBefore(failures: number, random: number): number {
  return Math.min(FIRST_MS * 2 ** failures, LONGEST_MS) * (0.5 + random / 2)
}
