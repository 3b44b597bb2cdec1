import { SECOND } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

/**
 * Attempts count as failed before they are judged, so that concurrent ones are all counted. An attempt that would only
 * be refused because of others that are not judged yet waits for them here: right ones are taken off the count, so that
 * colleagues who share an address all succeed. A guesser gains nothing, since wrong ones stay counted.
 */
export interface AttemptLine {
  /**
   * @param keys the keys that the attempt is counted under
   * @param count counts the attempt or refuses it
   * @returns the result of `count`, and a function to call once the attempt is judged and its outcome stored
   * @throws whatever `count` throws
   */
  admit<T>(keys: readonly string[], count: () => Promise<T>): Promise<{ counted: T; judged: () => void }>
}

/** One key's attempts. `counting`: being counted; `unjudged`: counted, not judged yet; `judged`: how many ever were. */
interface Line {
  counting: number
  unjudged: number
  judged: number
  waiters: Set<() => void>
}

/** The maximum number of attempts that wait under one key; further ones are refused at once. */
const WAITING_EACH = 100
/** The same for all keys together. */
const WAITING = 1000
/**
 * Longer than any attempt takes to be judged. It bounds all waits of an attempt together, since on a busy network one
 * may be woken again and again for nothing.
 */
const LONGEST_MS = 15 * SECOND

/** How much longer an attempt may wait. It begins when first asked. */
interface Patience {
  isOver(): boolean
  /** Calls back when it ends; replaces an earlier callback. */
  onEnd(listener: () => void): void
  release(): void
}

function createPatience(): Patience {
  let timer: NodeJS.Timeout | undefined
  let over = false
  let end = () => {}
  return {
    isOver() {
      timer ??= setTimeout(() => {
        over = true
        end()
      }, LONGEST_MS)
      return over
    },
    onEnd(listener) {
      end = listener
    },
    release: () => clearTimeout(timer),
  }
}

export function createAttemptLine(): AttemptLine {
  const lines = new Map<string, Line>()
  let waiting = 0

  /** @returns the lines of these keys, which are kept while something is in them */
  function linesOf(keys: readonly string[]): Line[] {
    return keys.map(key => {
      const line = lines.get(key) ?? { counting: 0, unjudged: 0, judged: 0, waiters: new Set() }
      lines.set(key, line)
      return line
    })
  }

  function forgetEmpty(keys: readonly string[]): void {
    for (const key of keys) {
      const line = lines.get(key)
      if (line?.counting === 0 && line.unjudged === 0 && line.waiters.size === 0) lines.delete(key)
    }
  }

  /** Each decided attempt lets one more under each of its keys try. */
  function wakeNext(own: readonly Line[]): void {
    for (const { waiters } of own) {
      const [next] = waiters
      next?.()
    }
  }

  const mayWait = (own: readonly Line[]) =>
    own.some(({ unjudged }) => unjudged > 0) &&
    waiting < WAITING &&
    own.every(({ waiters }) => waiters.size < WAITING_EACH)

  /**
   * Until an attempt in one of the lines has been judged.
   * @returns false: none was in time
   */
  function turn(own: readonly Line[], patience: Patience): Promise<boolean> {
    waiting++
    return new Promise(resolve => {
      const end = (woken: boolean) => {
        patience.onEnd(() => {})
        for (const { waiters } of own) waiters.delete(wake)
        waiting--
        resolve(woken)
      }
      const wake = () => end(true)
      patience.onEnd(() => end(false))
      for (const { waiters } of own) waiters.add(wake)
    })
  }

  /** @returns null: refused, but another attempt has been judged since, so it is worth trying again */
  async function tryOnce<T>(
    own: readonly Line[],
    patience: Patience,
    count: () => Promise<T>,
  ): Promise<{ counted: T } | null> {
    const before = own.map(({ judged }) => judged)
    try {
      // The store's promises settle in call order, so an attempt refused because of this one already finds it here.
      const counted = await count()
      for (const line of own) line.unjudged++
      return { counted }
    } catch (error) {
      if (!isRefusal(error) || patience.isOver()) throw error
      const isStale = own.some(({ judged }, n) => judged !== before[n])
      if (!isStale && (!mayWait(own) || !(await turn(own, patience)))) throw error
      return null
    }
  }

  return {
    async admit(keys, count) {
      const own = linesOf(keys)
      for (const line of own) line.counting++
      const patience = createPatience()
      let tries = 0
      try {
        for (;;) {
          tries++
          const admitted = await tryOnce(own, patience, count)
          if (admitted !== null) return { ...admitted, judged: () => leave(keys, own) }
        }
      } finally {
        patience.release()
        for (const line of own) line.counting--
        if (tries > 1) wakeNext(own)
        forgetEmpty(keys)
      }
    },
  }

  function leave(keys: readonly string[], own: readonly Line[]): void {
    for (const line of own) {
      line.unjudged--
      line.judged++
    }
    wakeNext(own)
    forgetEmpty(keys)
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['slow_down', 'password_locked', 'second_factor_locked'])

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && REFUSALS.has(error.code)
}
