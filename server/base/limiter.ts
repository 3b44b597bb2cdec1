import { Problem } from './problem.ts'

/** Runs expensive work: a few at once, some waiting, the rest refused. Keys (networks, accounts) take turns. */
export interface Limiter {
  /**
   * @param key who it is for
   * @throws Problem `busy` when too many wait; whatever `work` throws
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
}

export interface Share {
  /** How many run. */
  atOnce: number
  /** How many may wait beside them. */
  waiting: number
}

/** `each` is the share of one key, however idle the rest is: what it leaves free is there for others at once. */
export interface LimiterLimits extends Share {
  each: Share
}

/** `admit(true)` gives it a slot, `admit(false)` turns it away. */
interface Waiter {
  admit: (hasSlot: boolean) => void
}
interface Line {
  running: number
  waiters: Waiter[]
}

/**
 * Slots go round the keys that wait, one each, so that a key with many in line delays nobody else. Once the line is
 * full, the newest of the key with the most in it makes room for whoever has fewer. What is kept is bounded by the
 * limits: a key that neither runs nor waits is forgotten.
 */
export function createLimiter({ atOnce, waiting, each }: LimiterLimits): Limiter {
  /** In the order in which their turn comes. */
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

  /** @returns whether there is room in line for one more of this key */
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
      // To the end: the others have their turn first.
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
    // Whoever leaves hands over its slot, so that nobody who comes meanwhile can slip in.
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
