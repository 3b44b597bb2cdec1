import type { SessionBench } from '../contract.testing.ts'
import { createMemoryStore } from './memory-store.ts'
import type { SessionOwner } from './memory-sessions.ts'

/** The sessions of a new store in memory, for the contract suite and the model. */
export function memoryBench(): SessionBench {
  const accounts = new Map<string, SessionOwner>()
  const store = createMemoryStore({ accountOf: userId => accounts.get(userId) ?? null })
  return {
    sessions: store.sessions,
    events: store.events,
    addAccount: account => void accounts.set(account.id, account),
    record(sidHash) {
      const found = store.records.get(sidHash)
      if (found === undefined) throw new Error('there is no such session')
      return found
    },
    put: sessions => sessions.forEach(one => store.records.set(one.sidHash, one)),
    log: store.log,
    close() {},
  }
}
