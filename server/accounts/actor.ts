import type { UnixMs } from '../base/clock.ts'
import { clientRecord } from '../session/client-record.ts'
import type { Client } from '../session/types.ts'
import type { Origin } from '../store/types.ts'

/** Who does something, and from where. The command line is neither an account nor a client. */
export interface Actor {
  userId: string | null
  sessionId: string | null
  client: Client | null
}

/** Somebody who is at the server itself. */
export const OPERATOR: Actor = { userId: null, sessionId: null, client: null }

/**
 * What the security log says about it.
 * @param subjectId whose log it goes to: what one does to oneself is by nobody else
 */
export function originOf(actor: Actor, subjectId: string, at: UnixMs): Origin {
  const self = actor.userId === subjectId
  return {
    at,
    byUserId: self ? null : actor.userId,
    sessionId: self ? actor.sessionId : null,
    ...(actor.client === null ? { userAgent: null, network: null } : clientRecord(actor.client)),
  }
}
