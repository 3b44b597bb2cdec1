import { Problem } from './problem.ts'

/**
 * Runs expensive work with bounded concurrency and a bounded queue; the rest is refused. Keys (networks, accounts) take
 * turns.
 */
export interface Limiter {
  /**
   * @param key the network or account the work is for
   * @throws Problem `busy` when the queue is full; whatever `work` throws
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
}

export interface Share {
  /** Maximum number running at once. */
  atOnce: number
  /** Maximum number queued in addition. */
  waiting: number
}

/** `each` limits a single key even when there is spare capacity, which therefore stays available to others. */
export interface LimiterLimits extends Share {
  each: Share
}

/** `admit(true)` grants a slot, `admit(false)` refuses the call. */
interface Waiter {
  admit: (hasSlot: boolean) => void
}
interface Line {
  running: number
  waiters: Waiter[]
}

/**
 * Free slots go round-robin over the waiting keys, so that a key with a long queue does not delay the others. When the
 * queue is full, the newest entry of the key with the most entries makes room for a key with fewer. Memory is bounded
 * by the limits: keys that neither run nor wait are forgotten.
 */
export function createLimiter({ atOnce, waiting, each }: LimiterLimits): Limiter {
  /** In the order in which they get their turn. */
  const lines = new Map<string, Line>()
  let running = 0
  let inLine = 0

  function lineOf(key: string): Line {
    const line = lines.get(key) ?? { running: 0, waiters: [] }
    lines.set(key, line)
    return line
  }

  const canRun = (line: Line) => running < atOnce && line.running < each.atOnce

  function take(line: Line): void {
    running++
    line.running++
  }

  /** @returns whether one more call of this key may be queued */
  function makeRoom(line: Line): boolean {
    if (line.waiters.length >= each.waiting) return false
    if (inLine < waiting) return true
    let longest = line
    for (const other of lines.values()) if (other.waiters.length > longest.waiters.length) longest = other
    if (longest.waiters.length <= line.waiters.length + 1) return false
    longest.waiters.pop()?.admit(false)
    inLine--
    return true
  }

  function release(key: string, line: Line): void {
    running--
    line.running--
    forget(key, line)
    for (const [next, other] of lines) {
      const waiter = canRun(other) ? other.waiters.shift() : undefined
      if (waiter === undefined) continue
      inLine--
      take(other)
      // Moves to the end, behind the keys that still wait for their turn.
      lines.delete(next)
      lines.set(next, other)
      waiter.admit(true)
      return
    }
  }

  function forget(key: string, line: Line): void {
    if (line.running === 0 && line.waiters.length === 0) lines.delete(key)
  }

  async function enter(key: string, line: Line): Promise<void> {
    if (line.waiters.length === 0 && canRun(line)) return take(line)
    if (!makeRoom(line)) {
      forget(key, line)
      throw new Problem('busy', { retryAfter: 1 })
    }
    inLine++
    // The slot is handed over directly, so that a call that arrives in between cannot take it.
    const hasSlot = await new Promise<boolean>(admit => line.waiters.push({ admit }))
    if (hasSlot) return
    forget(key, line)
    throw new Problem('busy', { retryAfter: 1 })
  }

  return {
    async run(key, work) {
      const line = lineOf(key)
      await enter(key, line)
      try {
        return await work()
      } finally {
        release(key, line)
      }
    },
  }
}
