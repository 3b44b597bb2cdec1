import type { UnixMs } from '../base/clock.ts'
import { peerOf } from '../base/peer.ts'
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

/** A user agent longer than this tells nobody more. */
const USER_AGENT_MAX = 300

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
    userAgent: actor.client?.userAgent.slice(0, USER_AGENT_MAX) ?? null,
    network: actor.client === null ? null : peerOf(actor.client.network),
  }
}
