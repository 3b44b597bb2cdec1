import type { CallObserver } from '../base/call-observer.ts'
import { type Clock, HOUR, MINUTE, SECOND, type SteadyMs, type Timers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { Provider } from '../config/provider-config.ts'
import { observedOutbound, operationAt } from './observed-outbound.ts'
import { connectTo, outboundFor } from './provider-client.ts'
import { describe } from './login-failures.ts'
import { SetUpError } from './set-up-error.ts'
import type { ProviderClient } from './types.ts'

const FIRST_WAIT_MS = SECOND
const LONGEST_WAIT_MS = MINUTE
/** After this, metadata are fetched again in the background, while the old ones remain in use. */
const FRESH_MS = HOUR

/** One provider's client: discovered when first needed, and retried until it succeeds. */
export interface Discovery {
  /** False between a failure and the next success. */
  readonly available: boolean
  /** @throws Problem `provider_unavailable`, `provider_misconfigured` */
  client(): Promise<ProviderClient>
  close(): Promise<void>
}

export interface DiscoveryDeps {
  clock: Clock
  timers: Timers
  log: Log
  /** Watches every call; null: nothing does. */
  observer: CallObserver | null
}

/**
 * Starts discovering at once, in the background: a provider that is down neither blocks the server's start nor needs a
 * restart to recover.
 */
export function createDiscovery(provider: Provider, { clock, timers, log, observer }: DiscoveryDeps): Discovery {
  // Renamed, because `status` in request log lines is our own response's.
  const unobserved = outboundFor(provider, ({ status: providerStatus, ...failure }) => {
    if (!closed)
      log.warn(
        { event: 'provider_call_failed', provider: provider.id, providerStatus, ...failure },
        'call to a provider failed',
      )
  })
  const outbound =
    observer === null
      ? unobserved
      : observedOutbound(unobserved, {
          observer,
          peer: provider.id,
          operationOf: url => operationAt(url, known?.client ?? null),
        })
  let known: { client: ProviderClient; at: SteadyMs } | null = null
  let failures = 0
  /** The problem reported while it cannot be used. */
  let reason: 'provider_unavailable' | 'provider_misconfigured' = 'provider_unavailable'
  let failedAt: SteadyMs = 0
  let inFlight: Promise<ProviderClient> | null = null
  let closed = false

  const steady = () => clock.now().steady
  const waitMs = () => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))

  async function discover(): Promise<ProviderClient> {
    try {
      const client = await connectTo(provider, outbound, clock)
      if (failures > 0)
        log.info({ event: 'provider_discovery_recovered', provider: provider.id }, 'a provider is usable again')
      known = { client, at: steady() }
      failures = 0
      return client
    } catch (error) {
      failures++
      failedAt = steady()
      reason = error instanceof SetUpError ? 'provider_misconfigured' : 'provider_unavailable'
      if (!closed)
        log.warn(
          {
            event: 'provider_discovery_failed',
            provider: provider.id,
            issuer: provider.issuer,
            code: reason,
            why: describe(error),
          },
          'failed to discover a provider; will retry',
        )
      throw unusable(Math.ceil(waitMs() / SECOND))
    }
  }

  function unusable(seconds: number): Problem {
    return new Problem(reason, {
      provider: provider.id,
      ...(reason === 'provider_unavailable' ? { retryAfter: seconds } : {}),
    })
  }

  function discoverOnce(): Promise<ProviderClient> {
    inFlight ??= discover().finally(() => {
      inFlight = null
    })
    return inFlight
  }

  function inBackground(): void {
    discoverOnce().catch(() => {})
  }

  const stop = timers.every(SECOND, () => {
    if (known === null && failures > 0 && steady() - failedAt >= waitMs()) inBackground()
  })
  inBackground()

  return {
    get available() {
      return known !== null || failures === 0
    },
    async client() {
      if (known === null) {
        // A waiting caller justifies an early retry, but not one per caller.
        if (failures > 0 && inFlight === null && steady() - failedAt < FIRST_WAIT_MS) throw unusable(1)
        return discoverOnce()
      }
      const age = steady() - known.at
      if (age > FRESH_MS && steady() - failedAt >= waitMs()) inBackground()
      return known.client
    },
    async close() {
      closed = true
      stop()
      await outbound.close()
      await inFlight?.catch(() => {})
    },
  }
}
