import { Problem } from '../base/problem.ts'

/** Runs work that is dear: a few at once, some waiting, the rest refused. */
export interface Gate {
  /** @throws Problem `busy` when too many wait already; whatever `work` throws */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** `atOnce`: how many run; `waiting`: how many may wait for a place beside them. */
export interface GateLimits { atOnce: number, waiting: number }

export function createGate({ atOnce, waiting }: GateLimits): Gate {
  let running = 0
  const queue: (() => void)[] = []

  return {
    async run(work) {
      if (running >= atOnce) {
        if (queue.length >= waiting) throw new Problem('busy', { retryAfter: 1 })
        // Whoever leaves hands over its place, so that nobody who comes meanwhile can slip in.
        await new Promise<void>(resolve => queue.push(resolve))
      }
      else {
        running++
      }
      try {
        return await work()
      }
      finally {
        const next = queue.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}

/** A gate of its own for each key, of which there have to be few: none is forgotten. */
export function createGates(limits: GateLimits): (key: string) => Gate {
  const gates = new Map<string, Gate>()
  return (key) => {
    const gate = gates.get(key) ?? createGate(limits)
    gates.set(key, gate)
    return gate
  }
}
