import { Problem } from '../base/problem.ts'
import type { Upstream } from '../config/upstream-config.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { RelayCaller } from './types.ts'

/** A call or stream in progress at the relay. */
export interface InFlight {
  readonly upstream: Upstream
  /** null: anonymous. */
  readonly caller: RelayCaller | null
  /** The address of the client. */
  readonly network: string
  /** Ends it immediately. Called at most once. */
  end(reason: CloseReason): void
}

/**
 * What outlasts the check of its cookies at the start: a WebSocket, an event stream, or any other response that takes
 * long.
 */
export type StreamKind = 'websocket' | 'events' | 'response'

/**
 * Why a call or stream ends early: its session ended, the server shuts down, the stream reached its maximum lifetime,
 * or its user may no longer reach the upstream.
 */
export type CloseReason =
  | EndReason
  | 'going_away'
  | 'stream_expired'
  | 'forbidden'
  | 'insufficient_user_authentication'
  | 'provider_sign_in_required'

/** The client may reconnect with new cookies or after signing in (4000–4999 are for applications, RFC 6455 §7.4.2). */
const CONNECT_AGAIN = 4401
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/** The close frame's code for the reason. */
export function closeCodeOf(reason: CloseReason): number {
  if (reason === 'going_away') return GOING_AWAY
  return reason === 'disabled' || reason === 'admin' || reason === 'forbidden' ? POLICY_VIOLATION : CONNECT_AGAIN
}

/** The response to a call that was ended before any response had reached the client. */
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
