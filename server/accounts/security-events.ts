import { Problem } from '../base/problem.ts'
import type { EventsAnswer, WireEvent } from '../contract/wire.ts'
import type { EventStore, NamedEvent } from '../store/types.ts'
import { describeDevice } from './describe-device.ts'

export interface SecurityLog {
  /**
   * One page of an account's log, newest first.
   * @param cursor `next` of the previous page, or null
   * @throws Problem `invalid_query` for a cursor that is not ours
   */
  page(userId: string, cursor: string | null): Promise<EventsAnswer>
}

const PAGE = 50

export function createSecurityLog({ store }: { store: EventStore }): SecurityLog {
  return {
    async page(userId, cursor) {
      if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw new Problem('invalid_query')
      const rows = await store.page(userId, cursor === null ? null : Number(cursor), PAGE + 1)
      const shown = rows.slice(0, PAGE)
      return { events: shown.map(toWire), next: rows.length > PAGE ? String(shown.at(-1)?.id) : null }
    },
  }
}

function toWire(row: NamedEvent): WireEvent {
  // Another person's location is private, except that an ended session shows the account's own.
  const own = row.byUserId === null || row.kind === 'session_ended'
  return {
    id: String(row.id),
    at: row.at,
    kind: row.kind,
    reason: row.reason,
    sessionId: row.sessionId,
    device: own && row.userAgent !== null ? describeDevice(row.userAgent) : null,
    network: own ? row.network : null,
    by: row.byName,
  }
}
