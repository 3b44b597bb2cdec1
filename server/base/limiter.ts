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
  /** How many wait for their turn. */
  waiting(): number
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
interface Queue {
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
  const queues = new Map<string, Queue>()
  let running = 0
  let queued = 0

  function queueOf(key: string): Queue {
    const queue = queues.get(key) ?? { running: 0, waiters: [] }
    queues.set(key, queue)
    return queue
  }

  const canRun = (queue: Queue) => running < atOnce && queue.running < each.atOnce

  function take(queue: Queue): void {
    running++
    queue.running++
  }

  /** @returns whether one more call of this key may be queued */
  function makeRoom(queue: Queue): boolean {
    if (queue.waiters.length >= each.waiting) return false
    if (queued < waiting) return true
    let longest = queue
    for (const other of queues.values()) if (other.waiters.length > longest.waiters.length) longest = other
    if (longest.waiters.length <= queue.waiters.length + 1) return false
    longest.waiters.pop()?.admit(false)
    queued--
    return true
  }

  function release(key: string, queue: Queue): void {
    running--
    queue.running--
    forget(key, queue)
    for (const [next, other] of queues) {
      const waiter = canRun(other) ? other.waiters.shift() : undefined
      if (waiter === undefined) continue
      queued--
      take(other)
      // Moves to the end, behind the keys that still wait for their turn.
      queues.delete(next)
      queues.set(next, other)
      waiter.admit(true)
      return
    }
  }

  function forget(key: string, queue: Queue): void {
    if (queue.running === 0 && queue.waiters.length === 0) queues.delete(key)
  }

  async function enter(key: string, queue: Queue): Promise<void> {
    if (queue.waiters.length === 0 && canRun(queue)) return take(queue)
    if (!makeRoom(queue)) {
      forget(key, queue)
      throw new Problem('busy', { retryAfter: 1 })
    }
    queued++
    // The slot is handed over directly, so that a call that arrives in between cannot take it.
    const hasSlot = await new Promise<boolean>(admit => queue.waiters.push({ admit }))
    if (hasSlot) return
    forget(key, queue)
    throw new Problem('busy', { retryAfter: 1 })
  }

  return {
    waiting: () => queued,
    async run(key, work) {
      const queue = queueOf(key)
      await enter(key, queue)
      try {
        return await work()
      } finally {
        release(key, queue)
      }
    },
  }
}
