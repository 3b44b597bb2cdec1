import { expect } from 'vitest'
import type { SessionStore, Store } from './types.ts'

/** A store that runs every decision twice, like one whose first attempt failed. */
export function retrying<S extends Store>(store: S): S {
  const { throttles, providerGrants } = store
  return {
    ...store,
    sessions: retryingSessions(store.sessions),
    throttles: {
      ...throttles,
      reserve: (keys, decide) => throttles.reserve(keys, twice(decide)),
      reserveAll: (keys, decide) => throttles.reserveAll(keys, twice(decide)),
      recordOutcome: ({ forget, refund }) =>
        throttles.recordOutcome({ forget, refund: refund.map(({ key, left }) => ({ key, left: twice(left) })) }),
    },
    providerGrants: {
      ...providerGrants,
      takeDue: (now, limit, putOffUntil) => providerGrants.takeDue(now, limit, twice(putOffUntil)),
    },
  }
}

export function retryingSessions(sessions: SessionStore): SessionStore {
  return { ...sessions, change: (sidHash, decide) => sessions.change(sidHash, twice(decide)) }
}

/** Each run reads its records itself, so that the second one cannot see what the first did to them. */
function twice<Records, D>(decide: (records: Records) => D): (records: Records) => D {
  return records => {
    const first = decide(structuredClone(records))
    const second = decide(records)
    // Functions that a decision returns differ each time; serialising leaves them out.
    expect(JSON.stringify(second), 'a decision on the same records is the same').toBe(JSON.stringify(first))
    return second
  }
}
