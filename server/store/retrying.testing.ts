import { expect } from 'vitest'
import type { SessionStore, Store } from './types.ts'

/** A store that tries every decision twice, as one does whose first attempt did not go through. */
export function retrying<S extends Store>(store: S): S {
  const { throttles, providerGrants } = store
  return {
    ...store,
    sessions: retryingSessions(store.sessions),
    throttles: {
      ...throttles,
      reserve: (keys, decide) => throttles.reserve(keys, twice(decide)),
      reserveOne: (key, decide) => throttles.reserveOne(key, twice(decide)),
      settle: ({ forget, refund }) =>
        throttles.settle({ forget, refund: refund.map(({ key, left }) => ({ key, left: twice(left) })) }),
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

/** Each attempt reads its records itself, so that nothing that the first did to them is seen by the second. */
function twice<Records, D>(decide: (records: Records) => D): (records: Records) => D {
  return records => {
    const first = decide(structuredClone(records))
    const second = decide(records)
    // Functions that a decision returns are others each time: as text they are left out.
    expect(JSON.stringify(second), 'a decision on the same records is the same').toBe(JSON.stringify(first))
    return second
  }
}
