import type { CallObserver } from '../base/call-observer.ts'
import { type Clock, SECOND } from '../base/clock.ts'
import type { Meter } from '../base/meter.ts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

const classOf = (status: number): string => `${Math.floor(status / 100)}xx`

/** Counts relayed requests, and measures how long upstreams take to answer. */
export function measureUpstreams(meter: Meter, clock: Clock): CallObserver {
  return {
    begin({ peer, method, operation }) {
      const startedAt = clock.now().steady
      const kind = operation === 'upgrade' ? operation : READS.has(method) ? 'read' : 'write'
      const count = (outcome: string) =>
        meter.count('upstream_requests_total', { upstream: peer, method: kind, outcome })
      let isAnswered = false
      return {
        headers: null,
        answered(status) {
          isAnswered = true
          // Now rather than at the end, because a stream may take hours.
          count(classOf(status))
          meter.observe('upstream_response_seconds', (clock.now().steady - startedAt) / SECOND, { upstream: peer })
        },
        ended(failure) {
          if (!isAnswered) count(failure ?? 'aborted')
          else if (failure === 'cut') meter.count('upstream_responses_cut_total', { upstream: peer })
        },
      }
    },
  }
}

/** Measures calls to providers, and remembers whether the last one was answered. */
export function measureProviders(meter: Meter, clock: Clock): CallObserver {
  const failures = new Map<string, number>()
  const each = (value: (failed: number) => number) => () =>
    [...failures].map(([provider, failed]) => ({ labels: { provider }, value: value(failed) }))
  meter.gauge(
    'provider_up',
    each(failed => (failed === 0 ? 1 : 0)),
  )
  meter.gauge(
    'provider_consecutive_failures',
    each(failed => failed),
  )
  return {
    begin({ peer, operation }) {
      const startedAt = clock.now().steady
      let status: number | null = null
      return {
        headers: null,
        answered(given) {
          status = given
        },
        ended() {
          const isUp = status !== null && status < 500
          failures.set(peer, isUp ? 0 : (failures.get(peer) ?? 0) + 1)
          const outcome = status === null ? 'failed' : classOf(status)
          const seconds = (clock.now().steady - startedAt) / SECOND
          meter.observe('provider_call_seconds', seconds, { provider: peer, operation, outcome })
        },
      }
    },
  }
}
