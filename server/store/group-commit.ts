import type Sqlite from 'better-sqlite3'
import type { Clock } from '../base/clock.ts'

/** Writes that are asked for in the same turn of the event loop, as one transaction: a commit waits for the disk, and fifty
 * at once would wait for it fifty times. */
export interface GroupCommit {
  /** Runs `work` in its place in the order of asking, in this turn of the loop or a few turns after the commit before. It sees
   * what those before it wrote, and what it throws undoes only what it did. Promises settle in that order too, all after the
   * one commit; when that fails, so does everybody who waited for it. */
  write<T>(work: () => T): Promise<T>
  /** Writes what waits at once. */
  flush(): void
}

interface Waiting { work: () => unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void }

/** How long the works of one commit go on. The rest come with the next turn, so that others are answered in between. */
const HOLD_MS = 4
/** Turns without a commit after one. Node accepts one connection a turn: if each turn held a commit, whoever comes anew would wait
 * for the disk once for everybody before them. Turns in which nothing happens take no time. */
const REST_TURNS = 4

/** @param guard turns the errors of a failing disk into what everybody is told */
export function createGroupCommit(raw: Sqlite.Database, clock: Clock, guard: <T>(work: () => T) => T): GroupCommit {
  let waiting: Waiting[] = []
  let rest = 0
  /** A transaction, or a savepoint where one is under way. */
  const atomically = raw.transaction((work: () => unknown) => work())

  function write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(commitInTurn)
      waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  function commitInTurn(): void {
    if (rest > 0) {
      rest--
      setImmediate(commitInTurn)
    }
    else {
      commit()
    }
  }

  function commit(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    rest = REST_TURNS
    let answers: (() => void)[]
    try {
      answers = guard(() => atomically.immediate(() => workedOff(batch)) as (() => void)[])
    }
    catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    waiting = batch.slice(answers.length)
    if (waiting.length > 0) setImmediate(commitInTurn)
    for (const answer of answers) answer()
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
      }
      catch (error) {
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
      while (waiting.length > 0) commit()
    },
  }
}
