import type { Clock } from '../base/clock.ts'
import { createLimiter, type LimiterLimits } from '../base/limiter.ts'
import { Problem } from '../base/problem.ts'
import { createRate } from '../base/rate.ts'
import { networkOf } from '../accounts/client-network.ts'

/**
 * Half of the calls for sign-ins that begin, which strangers may do as often as they like, half for those that come
 * back. One network has half of either: what it leaves is there for everybody else at once.
 */
const HALF: LimiterLimits = { atOnce: 16, waiting: 250, each: { atOnce: 8, waiting: 125 } }
/** What one network may make us ask of a provider: an office that comes to work at nine, and no flood. */
const OF_ONE_NETWORK = { burst: 300, perSecond: 10 }

/**
 * Who may make us call a provider now: networks take turns, so that nobody is shut out by somebody else, and the
 * provider never has more calls of ours at once than it bears.
 */
export interface Turns {
  /** @throws Problem `busy`, `slow_down` */
  begin<T>(network: string, call: () => Promise<T>): Promise<T>
  /** @throws the same */
  finish<T>(network: string, call: () => Promise<T>): Promise<T>
}

/** @returns the turns at one provider */
export function createTurns(clock: Clock): Turns {
  const begins = createLimiter(HALF)
  const finishes = createLimiter(HALF)
  const rate = createRate(clock, OF_ONE_NETWORK)

  function inTurn<T>(limiter: typeof begins, address: string, call: () => Promise<T>): Promise<T> {
    const network = networkOf(address)
    return limiter.run(network, () => {
      // Counted when it is made, so that what was turned away in line costs nobody a call.
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
