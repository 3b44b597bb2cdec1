import { performance } from 'node:perf_hooks'

/** Unix milliseconds by the wall clock: for everything that is stored or reported. */
export type UnixMs = number
/** Milliseconds on a monotonic clock: for ages kept in memory. Meaningless after a restart. */
export type SteadyMs = number

/** One reading of both clocks, taken once per decision. */
export interface Now {
  wall: UnixMs
  steady: SteadyMs
}

export interface Clock {
  now(): Now
}

export const systemClock: Clock = {
  now: () => ({ wall: Date.now(), steady: performance.now() }),
}

/** Runs `work` periodically; returns a function that stops it. Timers do not keep the process alive. */
export interface Timers {
  every(ms: number, work: () => void): () => void
}

export const systemTimers: Timers = {
  every(ms, work) {
    const timer = setInterval(work, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
