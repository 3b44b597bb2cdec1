import type { EventRecord, EventStore } from '../types.ts'

/** Rows of one kind kept per account. */
const KEPT_MAX = 200
/** Accounts whose log is kept: those that something happened to last. */
const ACCOUNTS_MAX = 1000

/** The security log, without the names of accounts. */
export function memoryEvents(): {
  events: EventStore
  record(event: Omit<EventRecord, 'id'>): void
  log(userId: string): readonly EventRecord[]
} {
  const byUser = new Map<string, EventRecord[]>()
  let lastId = 0

  return {
    record(event) {
      const theirs = byUser.get(event.userId) ?? []
      theirs.push({ ...event, id: ++lastId })
      const sameKind = theirs.filter(one => one.kind === event.kind)
      const [oldest] = sameKind
      byUser.delete(event.userId)
      byUser.set(event.userId, sameKind.length > KEPT_MAX ? theirs.filter(one => one !== oldest) : theirs)
      const [longestQuiet] = byUser.keys()
      if (byUser.size > ACCOUNTS_MAX && longestQuiet !== undefined) byUser.delete(longestQuiet)
    },
    log: userId => byUser.get(userId) ?? [],
    events: {
      async page(userId, before, limit) {
        return (byUser.get(userId) ?? [])
          .filter(one => before === null || one.id < before)
          .slice(-limit)
          .reverse()
          .map(one => ({ ...one, byName: null }))
      },
    },
  }
}
