import { performance } from 'node:perf_hooks'

/** Milliseconds since 1970, by the wall clock: what is stored and what is told. */
export type UnixMs = number
/** Milliseconds on a clock that never jumps: what ages in memory are counted on. Means nothing after a restart. */
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

/** What runs again and again; a handle that stops it. No timer keeps the process alive. */
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
