import type { Log } from './log.ts'
import type { SecurityEvent } from './log-events.ts'

export type Outcome = 'success' | 'failure' | 'denied' | 'error'

/**
 * One line of the security log. Fields that are unknown or do not apply are absent; nothing that a client typed is
 * logged.
 */
export interface SecurityLine {
  event: SecurityEvent
  outcome: Outcome
  /** A problem code, an end reason, or the kind of one-time code. */
  reason?: string | undefined
  /** How the client authenticated: `password`, `token_api`, `provider`, `test`. */
  method?: string | undefined
  provider?: string | undefined
  /** The account that the event concerns. */
  accountId?: string | undefined
  /** The other account that caused it. */
  by?: string | undefined
  /** The client's address, as observed by the server. */
  network?: string | undefined
  requestId?: string | undefined
}

/**
 * Writes the line with its fields in a fixed order, so that a filter can be one regular expression anchored at the
 * line's start.
 */
export function logSecurity(log: Log, line: SecurityLine): void {
  const { event, outcome, reason, method, provider, accountId, by, network, requestId } = line
  const level = outcome === 'success' ? 'info' : 'warn'
  log[level](
    { event, outcome, reason, method, provider, accountId, by, network, requestId },
    event.replaceAll('_', ' '),
  )
}
