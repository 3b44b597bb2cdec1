import type { EventRecord, EventStore, SessionRecord, SessionStore } from '../types.ts'
import { memoryEvents } from './memory-events.ts'
import { memorySessions, type SessionOwner } from './memory-sessions.ts'

export interface MemoryStore {
  sessions: SessionStore
  events: EventStore
  /** For tests, which look beneath and put a record back as it was: by `sidHash`. */
  records: Map<string, SessionRecord>
  /** For tests: a person's log, oldest first. */
  log(userId: string): readonly EventRecord[]
}

/**
 * Sessions and their log, for as long as the process runs: for the demo and for tests. There are no identities in it,
 * so that a session cannot be opened with what a provider granted.
 * @param accountOf null: there is no such account
 */
export function createMemoryStore({ accountOf }: { accountOf: (userId: string) => SessionOwner | null }): MemoryStore {
  const records = new Map<string, SessionRecord>()
  const { events, record, log } = memoryEvents()
  return { sessions: memorySessions({ accountOf, records, record }), events, records, log }
}
