import type { EventRecord, EventStore, SessionRecord, SessionStore } from '../types.ts'
import { memoryEvents } from './memory-events.ts'
import { memorySessions, type SessionOwner } from './memory-sessions.ts'

export interface MemoryStore {
  sessions: SessionStore
  events: EventStore
  /** For tests that look at or reset records directly: by `sidHash`. */
  records: Map<string, SessionRecord>
  /** For tests: an account's log, oldest first. */
  log(userId: string): readonly EventRecord[]
}

/**
 * Sessions and their log, in memory only: for the demo and for tests. It has no identities, so no session can be opened
 * with a provider's grant.
 * @param accountOf null: there is no such account
 */
export function createMemoryStore({ accountOf }: { accountOf: (userId: string) => SessionOwner | null }): MemoryStore {
  const records = new Map<string, SessionRecord>()
  const { events, record, log } = memoryEvents()
  return { sessions: memorySessions({ accountOf, records, record }), events, records, log }
}
