import type { Clock } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { createRate } from '../../base/rate.ts'
import type { RequestContext } from '../request/request-context.ts'

/**
 * How many writes one account may make in a row, and per second after that: everything that leaves a row, a log line or
 * a hash.
 */
const WRITES = { burst: 60, perSecond: 1 }

export interface WriteRate {
  /** @throws Problem `slow_down` with the seconds to wait */
  spend(accountId: string): void
}

export function createWriteRate(clock: Clock): WriteRate {
  const rate = createRate(clock, WRITES)
  return {
    spend(accountId) {
      const wait = rate.take(accountId)
      if (wait > 0) throw new Problem('slow_down', { retryAfter: Math.ceil(wait) })
    },
  }
}

/**
 * Limits the writes of one account. Removing (signing out, ending, revoking) is never limited, since it may be urgent
 * and is bounded by what exists.
 */
export function limitWrites(rate: WriteRate) {
  return ({ family, method, path, safe, caller }: RequestContext): undefined => {
    if (family !== 'auth' || safe || method === 'DELETE' || path === '/auth/logout') return
    const account = caller?.signedIn?.user.id
    if (account !== undefined) rate.spend(account)
  }
}
