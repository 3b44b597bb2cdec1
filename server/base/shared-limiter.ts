import { createLimiter, type Share } from './limiter.ts'

/** A limiter without keys: bounded concurrency and a bounded queue, shared by all callers. */
export interface SharedLimiter {
  /** @throws Problem `busy` when the queue is full; whatever `work` throws */
  run<T>(work: () => Promise<T>): Promise<T>
}

export function createSharedLimiter(limits: Share): SharedLimiter {
  const limiter = createLimiter({ ...limits, each: limits })
  return { run: work => limiter.run('', work) }
}

/** One limiter per key, which is never dropped, so the number of keys has to be small. */
export function createSharedLimiters(limits: Share): (key: string) => SharedLimiter {
  const limiters = new Map<string, SharedLimiter>()
  return key => {
    const limiter = limiters.get(key) ?? createSharedLimiter(limits)
    limiters.set(key, limiter)
    return limiter
  }
}
