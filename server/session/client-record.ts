import { peerOf } from '../base/peer.ts'
import type { Client } from './types.ts'

/** A user agent longer than this identifies no device better. */
const USER_AGENT_MAX = 300

/** What sessions and the security log store of a client. */
export function clientRecord({ userAgent, network }: Client): { userAgent: string; network: string } {
  return { userAgent: userAgent.slice(0, USER_AGENT_MAX), network: peerOf(network) }
}
