import type { Clock } from '../base/clock.ts'
import { createLimiter, type LimiterLimits } from '../base/limiter.ts'
import { Problem } from '../base/problem.ts'
import { createRate } from '../base/rate.ts'
import { networkOf } from '../accounts/client-network.ts'

/**
 * Half of the concurrent calls are for beginning sign-ins, which strangers may do at will, and half for callbacks. One
 * network gets half of either, and what it cannot use is available to the others at once.
 */
const HALF: LimiterLimits = { atOnce: 16, waiting: 250, each: { atOnce: 8, waiting: 125 } }
/** How often one network may cause calls to a provider: enough for an office in the morning, but not for a flood. */
const OF_ONE_NETWORK = { burst: 300, perSecond: 10 }

/**
 * Limits the calls to a provider that sign-ins cause: networks take turns, so that none can lock out another, and the
 * provider never gets more concurrent calls than it can handle.
 */
export interface Turns {
  /** @throws Problem `busy`, `slow_down` */
  begin<T>(network: string, call: () => Promise<T>): Promise<T>
  /** @throws the same */
  finish<T>(network: string, call: () => Promise<T>): Promise<T>
}

/** Creates the limits of one provider. */
export function createTurns(clock: Clock): Turns {
  const begins = createLimiter(HALF)
  const finishes = createLimiter(HALF)
  const rate = createRate(clock, OF_ONE_NETWORK)

  function inTurn<T>(limiter: typeof begins, address: string, call: () => Promise<T>): Promise<T> {
    const network = networkOf(address)
    return limiter.run(network, () => {
      // Counted when the call is made, so that being refused in the queue costs nothing.
      const wait = rate.take(network)
      if (wait > 0) throw new Problem('slow_down', { retryAfter: Math.ceil(wait) })
      return call()
    })
  }

  return {
    begin: (network, call) => inTurn(begins, network, call),
    finish: (network, call) => inTurn(finishes, network, call),
  }
}
