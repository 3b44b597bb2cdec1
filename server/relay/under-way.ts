import { Problem } from '../base/problem.ts'
import type { Upstream } from '../config/upstream-config.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { RelayCaller } from './types.ts'

/** A call or a stream that has reached the relay and is not over. */
export interface UnderWay {
  readonly upstream: Upstream
  /** null: nobody's. */
  readonly caller: RelayCaller | null
  /** The address that it came from. */
  readonly network: string
  /** Ends it at once, because it may not go on. Called at most once. */
  end(reason: CloseReason): void
}

/**
 * What outlasts the look at its cookies, which came once, when it began: a WebSocket, an event stream, and any other
 * response whose body takes long.
 */
export type StreamKind = 'websocket' | 'events' | 'response'

/**
 * Why something under way has to end: its session did, the server does, the stream is as old as streams may get, or its
 * person may not reach the upstream any more.
 */
export type CloseReason =
  | EndReason
  | 'going_away'
  | 'stream_expired'
  | 'forbidden'
  | 'insufficient_user_authentication'
  | 'provider_sign_in_required'

/**
 * The client may connect again: with new cookies, or once it has signed in (4000–4999 are for applications, RFC 6455
 * §7.4.2).
 */
const CONNECT_AGAIN = 4401
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/** The code of the close frame that says so. */
export function closeCodeOf(reason: CloseReason): number {
  if (reason === 'going_away') return GOING_AWAY
  return reason === 'disabled' || reason === 'admin' || reason === 'forbidden' ? POLICY_VIOLATION : CONNECT_AGAIN
}

/** What a client is told of a call that was ended before anything of its answer had reached it. */
export function problemFor(reason: CloseReason): Problem {
  switch (reason) {
    case 'replaced':
      return new Problem('session_replaced')
    case 'forbidden':
    case 'insufficient_user_authentication':
    case 'provider_sign_in_required':
      return new Problem(reason)
    case 'going_away':
      return new Problem('draining')
    default:
      return new Problem('not_signed_in')
  }
}
