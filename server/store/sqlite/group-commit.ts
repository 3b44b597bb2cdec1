import type Sqlite from 'better-sqlite3'
import type { Clock, SteadyMs } from '../../base/clock.ts'

/**
 * Writes that are asked for in the same turn of the event loop, as one transaction: a commit waits for the disk, and
 * fifty at once would wait for it fifty times.
 */
export interface GroupCommit {
  /**
   * Runs `work` in its place in the order of asking, in this turn of the loop or a few turns after the commit before.
   * It sees what those before it wrote, and what it throws undoes only what it did. Promises settle in that order too,
   * all after the one commit; when that fails, so does everybody who waited for it.
   */
  write<T>(work: () => T): Promise<T>
  /** Writes what waits at once; what cannot be written even now fails. */
  flush(): void
}

/** What a database's errors mean. */
export interface Failures {
  /** Turns the errors of a failing disk into what everybody is told. */
  guard<T>(work: () => T): T
  /** Whether another program holds the lock: nothing was done, and the same may work a moment later. */
  isBusy(error: unknown): boolean
}

interface Waiting {
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  since: SteadyMs
}

/** How long the works of one commit go on. The rest come with the next turn, so that others are answered in between. */
const HOLD_MS = 4
/**
 * Turns without a commit after one. Node accepts one connection a turn: if each turn held a commit, whoever comes anew
 * would wait for the disk once for everybody before them. Turns in which nothing happens take no time.
 */
const REST_TURNS = 4
/** How long a write, or a read, waits for another program to let go of the database, and how often it looks. */
export const BUSY_PATIENCE_MS = 3000
export const BUSY_RETRY_MS = 25

export function createGroupCommit(raw: Sqlite.Database, clock: Clock, { guard, isBusy }: Failures): GroupCommit {
  let waiting: Waiting[] = []
  let rest = 0
  /** A transaction, or a savepoint where one is under way. */
  const atomically = raw.transaction((work: () => unknown) => work())

  function write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(commitInTurn)
      waiting.push({ work, resolve: resolve as (value: unknown) => void, reject, since: clock.now().steady })
    })
  }

  function commitInTurn(): void {
    if (rest > 0) {
      rest--
      setImmediate(commitInTurn)
    } else {
      commit(clock.now().steady - BUSY_PATIENCE_MS)
    }
  }

  /**
   * @param patientSince whoever waits since then or longer fails when another program holds the lock; the others wait
   * on, in order
   */
  function commit(patientSince: SteadyMs): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    rest = REST_TURNS
    let answers: (() => void)[]
    try {
      answers = atomically.immediate(() => workedOff(batch)) as (() => void)[]
    } catch (error) {
      const kept = isBusy(error) ? batch.filter(({ since }) => since > patientSince) : []
      waiting = kept
      // The loop goes on meanwhile: waiting in the driver would hold up everybody.
      if (kept.length > 0) setTimeout(commitInTurn, BUSY_RETRY_MS)
      fail(batch.slice(0, batch.length - kept.length), error)
      return
    }
    waiting = batch.slice(answers.length)
    if (waiting.length > 0) setImmediate(commitInTurn)
    for (const answer of answers) answer()
  }

  function fail(batch: readonly Waiting[], cause: unknown): void {
    if (batch.length === 0) return
    try {
      guard(() => {
        throw cause
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /** @returns what is to be told after the commit, to as many as had their turn */
  function workedOff(batch: readonly Waiting[]): (() => void)[] {
    const until = clock.now().steady + HOLD_MS
    const answers: (() => void)[] = []
    for (const { work, resolve, reject } of batch) {
      if (clock.now().steady > until) break
      try {
        const value = guard(() => atomically(work))
        answers.push(() => resolve(value))
      } catch (error) {
        // A full disk may have undone the whole transaction: what came after would be written outside of one.
        if (!raw.inTransaction) throw error
        answers.push(() => reject(error))
      }
    }
    return answers
  }

  return {
    write,
    flush() {
      while (waiting.length > 0) commit(Infinity)
    },
  }
}
