import type { Database } from './database.ts'

/** Writes that are asked for in the same turn of the event loop, as one transaction: a commit waits for the disk, and a thousand
 * at once would wait for it a thousand times. Only for writes that cannot fail by themselves: one's failure is everybody's.
 * @returns runs `work` with the others; durable when the promise resolves. @throws Problem `store_unavailable` */
export function createBatch(db: Database): <T>(work: () => T) => Promise<T> {
  let waiting: (() => void)[] = []
  let committed: Promise<void> | null = null

  function commit(): Promise<void> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        const batch = waiting
        waiting = []
        committed = null
        db.write(() => batch.forEach(work => work())).then(resolve, reject)
      })
    })
  }

  return async <T>(work: () => T): Promise<T> => {
    let result: { value: T } | null = null
    waiting.push(() => {
      result = { value: work() }
    })
    await (committed ??= commit())
    if (result === null) throw new Error('a write was left out of its batch')
    return (result as { value: T }).value
  }
}
