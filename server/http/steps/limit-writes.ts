import type { Clock } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { createRate } from '../../base/rate.ts'
import type { RequestContext } from '../request/request-context.ts'

/** What one account may write in a row, and per second from then on: whatever leaves a row, a line or a hash behind. */
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
 * Slows an account that writes and writes. Taking away is never refused (signing out, ending, revoking): it may be
 * urgent, and there is no more to take than there is.
 */
export function limitWrites(rate: WriteRate) {
  return ({ family, method, path, safe, caller }: RequestContext): undefined => {
    if (family !== 'auth' || safe || method === 'DELETE' || path === '/auth/logout') return
    const account = caller?.signedIn?.user.id
    if (account !== undefined) rate.spend(account)
  }
}
