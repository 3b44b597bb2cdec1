import { SECOND } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

/**
 * Attempts count as failed from before they are judged, so that of many at once none goes uncounted. One that would be
 * refused only because of others that are not judged yet waits for them here: the right ones are taken off the count,
 * and colleagues behind one address all get in. A guesser gains nothing, since wrong ones stay counted.
 */
export interface AttemptLine {
  /**
   * @param keys what the attempt is counted under
   * @param count counts it or refuses it
   * @returns what `count` returned, and what to call once the attempt is judged and its outcome is written
   * @throws whatever `count` throws
   */
  admit<T>(keys: readonly string[], count: () => Promise<T>): Promise<{ counted: T; judged: () => void }>
}

/** One key's attempts: those that are counted and not judged yet, and those that wait for them. */
interface Line {
  unjudged: number
  waiters: Set<() => void>
}

/** Attempts that may wait for others under one of their keys; the next one is refused as if it could not. */
const WAITING_EACH = 100
/** The same over all keys. */
const WAITING = 1000
/** Longer than anything is judged: whatever goes wrong with the others, nobody waits for ever. */
const LONGEST_MS = 15 * SECOND

export function createAttemptLine(): AttemptLine {
  const lines = new Map<string, Line>()
  let waiting = 0

  function enter(keys: readonly string[]): void {
    for (const key of keys) {
      const line = lines.get(key) ?? { unjudged: 0, waiters: new Set() }
      lines.set(key, line)
      line.unjudged++
    }
  }

  function leave(keys: readonly string[]): void {
    for (const key of keys) {
      const line = lines.get(key)
      if (line !== undefined) line.unjudged--
    }
    wakeNext(keys)
  }

  /** Whoever has been decided, one way or the other, lets one more under each of its keys try. */
  function wakeNext(keys: readonly string[]): void {
    for (const key of keys) {
      const line = lines.get(key)
      const [next] = line?.waiters ?? []
      next?.()
      if (line?.unjudged === 0 && line.waiters.size === 0) lines.delete(key)
    }
  }

  function mayWait(keys: readonly string[]): boolean {
    const own = keys.map(key => lines.get(key)).filter(line => line !== undefined)
    return (
      own.some(({ unjudged }) => unjudged > 0) &&
      waiting < WAITING &&
      own.every(({ waiters }) => waiters.size < WAITING_EACH)
    )
  }

  /** Until an attempt under one of the keys has been judged. @returns false: none was in time */
  function turn(keys: readonly string[]): Promise<boolean> {
    const own = keys.map(key => lines.get(key)).filter(line => line !== undefined)
    waiting++
    return new Promise(resolve => {
      const end = (woken: boolean) => {
        clearTimeout(timer)
        for (const { waiters } of own) waiters.delete(wake)
        waiting--
        resolve(woken)
      }
      const wake = () => end(true)
      const timer = setTimeout(end, LONGEST_MS, false)
      for (const { waiters } of own) waiters.add(wake)
    })
  }

  return {
    async admit(keys, count) {
      for (let waited = false; ; waited = true) {
        try {
          // The store's promises settle in the order of the calls: whoever was refused because of this one finds it here.
          const counted = await count()
          enter(keys)
          if (waited) wakeNext(keys)
          return { counted, judged: () => leave(keys) }
        } catch (error) {
          if (!isRefusal(error) || !mayWait(keys)) {
            if (waited) wakeNext(keys)
            throw error
          }
          if (!(await turn(keys))) throw error
        }
      }
    },
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && (error.code === 'slow_down' || error.code === 'password_locked')
}
