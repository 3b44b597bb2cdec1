import type Sqlite from 'better-sqlite3'
import type { Clock, SteadyMs } from '../../base/clock.ts'

/**
 * Combines the writes of one turn of the event loop into one transaction: a commit waits for the disk, and fifty
 * separate ones would wait fifty times.
 */
export interface GroupCommit {
  /**
   * Runs `work` in call order, in this turn or a few turns after the previous commit. It sees earlier writes, and if it
   * throws, only its own changes are undone. Promises settle in call order after the one commit; if that fails, all of
   * them reject.
   * @param patient whether it may wait up to `PATIENT_REST_MS` for others while there is a rush
   */
  write<T>(work: () => T, patient?: boolean): Promise<T>
  onCommit(listener: OnCommit): void
  /** Writes everything that waits at once; what cannot be written now fails. */
  flush(): void
}

/** How to interpret a database's errors. */
export interface Failures {
  /** Converts the errors of a failing disk to the problem that callers get. */
  guard<T>(work: () => T): T
  /** Whether another program holds the lock: nothing was done, and a retry may succeed. */
  isBusy(error: unknown): boolean
}

/** Told how long each transaction took in ms; null: nobody is. */
export type OnCommit = ((ms: number) => void) | null

interface Waiting {
  work: () => unknown
  patient: boolean
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  since: SteadyMs
}

/**
 * How long one commit's work may take. The rest follows in the next turn, so that other requests are handled in
 * between.
 */
const HOLD_MS = 4
/**
 * Turns without a commit after one. Node accepts one connection per turn: if each turn had a commit, a new connection
 * would wait for the disk once for everyone before it. Turns without work take no time.
 */
const REST_TURNS = 4
/**
 * Patient writes cause this many commits in a row, and then one each time this long has passed: people who sign in by the
 * dozen would otherwise make everybody else wait for the disk a hundred times a second.
 */
const PATIENT_COMMITS = 4
const PATIENT_REST_MS = 25
/** How long a read or write waits for another program to release the database, and how often it checks. */
export const BUSY_PATIENCE_MS = 3000
export const BUSY_RETRY_MS = 25

export function createGroupCommit(raw: Sqlite.Database, clock: Clock, { guard, isBusy }: Failures): GroupCommit {
  let waiting: Waiting[] = []
  let rest = 0
  let isScheduled = false
  let patientCommits = PATIENT_COMMITS
  let committed: OnCommit = null
  /** A transaction, or a savepoint within one. */
  const atomically = raw.transaction((work: () => unknown) => work())

  function write<T>(work: () => T, patient = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!patient || patientCommits > 0) schedule()
      waiting.push({ work, patient, resolve: resolve as (value: unknown) => void, reject, since: clock.now().steady })
    })
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(commitInTurn)
  }

  function commitInTurn(): void {
    if (rest > 0) {
      rest--
      setImmediate(commitInTurn)
    } else {
      isScheduled = false
      commit(clock.now().steady - BUSY_PATIENCE_MS)
    }
  }

  function countPatient(batch: readonly Waiting[]): void {
    if (patientCommits === 0 || !batch.some(({ patient }) => patient)) return
    if (patientCommits === PATIENT_COMMITS) setTimeout(allowPatient, PATIENT_REST_MS)
    patientCommits--
  }

  function allowPatient(): void {
    patientCommits++
    if (waiting.length > 0) schedule()
    if (patientCommits < PATIENT_COMMITS) setTimeout(allowPatient, PATIENT_REST_MS)
  }

  /**
   * @param waitedSince writes that have waited since then or longer fail if another program holds the lock; the others
   * keep waiting, in order
   */
  function commit(waitedSince: SteadyMs): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    rest = REST_TURNS
    countPatient(batch)
    let answers: (() => void)[]
    const startedAt = committed === null ? 0 : clock.now().steady
    try {
      answers = atomically.immediate(() => workedOff(batch)) as (() => void)[]
    } catch (error) {
      const kept = isBusy(error) ? batch.filter(({ since }) => since > waitedSince) : []
      waiting = kept
      // The event loop continues meanwhile: waiting in the driver would block it.
      isScheduled = kept.length > 0
      if (isScheduled) setTimeout(commitInTurn, BUSY_RETRY_MS)
      fail(batch.slice(0, batch.length - kept.length), error)
      return
    }
    committed?.(clock.now().steady - startedAt)
    waiting = batch.slice(answers.length)
    if (waiting.length > 0) schedule()
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

  /** @returns functions that settle the promises after the commit, for as many writes as had their turn */
  function workedOff(batch: readonly Waiting[]): (() => void)[] {
    const until = clock.now().steady + HOLD_MS
    const answers: (() => void)[] = []
    for (const { work, resolve, reject } of batch) {
      if (clock.now().steady > until) break
      try {
        const value = guard(() => atomically(work))
        answers.push(() => resolve(value))
      } catch (error) {
        // A full disk may have rolled back the whole transaction: further writes would be outside of one.
        if (!raw.inTransaction) throw error
        answers.push(() => reject(error))
      }
    }
    return answers
  }

  return {
    write,
    onCommit(listener) {
      committed = listener
    },
    flush() {
      while (waiting.length > 0) commit(Infinity)
    },
  }
}
