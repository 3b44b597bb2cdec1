import { createLimiter } from '../base/limiter.ts'

/** Runs work that is dear: a few at once, some waiting, the rest refused. */
export interface Gate {
  /** @throws Problem `busy` when too many wait already; whatever `work` throws */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** `atOnce`: how many run; `waiting`: how many may wait for a place beside them. */
export interface GateLimits {
  atOnce: number
  waiting: number
}

export function createGate(limits: GateLimits): Gate {
  const limiter = createLimiter({ ...limits, each: limits })
  return { run: work => limiter.run('', work) }
}

/** A gate of its own for each key, of which there have to be few: none is forgotten. */
export function createGates(limits: GateLimits): (key: string) => Gate {
  const gates = new Map<string, Gate>()
  return key => {
    const gate = gates.get(key) ?? createGate(limits)
    gates.set(key, gate)
    return gate
  }
}
