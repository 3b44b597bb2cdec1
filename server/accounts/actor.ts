import type { UnixMs } from '../base/clock.ts'
import { clientRecord } from '../session/client-record.ts'
import type { Client } from '../session/types.ts'
import type { Origin } from '../store/account-types.ts'

/** Who does something, and from where. The command line has neither an account nor a client. */
export interface Actor {
  userId: string | null
  sessionId: string | null
  client: Client | null
}

/** The operator, on the server itself. */
export const OPERATOR: Actor = { userId: null, sessionId: null, client: null }

/**
 * The origin of an event for the security log.
 * @param subjectId whose log it is written to; actions on one's own account have no other actor
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
