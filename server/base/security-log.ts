import type { Log } from './log.ts'
import type { SecurityEvent } from './log-events.ts'

export type Outcome = 'success' | 'failure' | 'denied' | 'error'

/**
 * One line of the security log. What is not known, or does not apply, is absent; nothing that a client typed is ever in
 * it.
 */
export interface SecurityLine {
  event: SecurityEvent
  outcome: Outcome
  /** A problem's code, an end reason, or what kind of code it was. */
  reason?: string | undefined
  /** How somebody showed who they are: `password`, `token_api`, `provider`. */
  method?: string | undefined
  provider?: string | undefined
  /** Whose account it is about. */
  accountId?: string | undefined
  /** Which other account did it. */
  by?: string | undefined
  /** The client's address, as the server saw it. */
  network?: string | undefined
  requestId?: string | undefined
}

/**
 * Writes it. Fields keep this order, so that a filter may be one regular expression that is anchored at the line's
 * start.
 */
export function logSecurity(log: Log, line: SecurityLine): void {
  const { event, outcome, reason, method, provider, accountId, by, network, requestId } = line
  const level = outcome === 'success' ? 'info' : 'warn'
  log[level](
    { event, outcome, reason, method, provider, accountId, by, network, requestId },
    event.replaceAll('_', ' '),
  )
}
