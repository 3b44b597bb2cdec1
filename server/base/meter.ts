/**
 * Metrics that the rooms report. ops/metrics.ts exposes them to Prometheus; with metrics disabled this is `noMeter`.
 */
export interface Meter {
  /** Increments a counter. Names and labels are listed in ops/metrics.ts. */
  count(name: CounterName, labels?: Record<string, string>): void
  /** Records one duration, in seconds. */
  observe(name: HistogramName, seconds: number, labels?: Record<string, string>): void
}

export type CounterName =
  | 'session_verdicts_total' // label: verdict
  | 'sessions_opened_total'
  | 'sessions_ended_total' // label: reason
  | 'sign_ins_total' // label: outcome
  | 'store_failures_total'
  | 'provider_refreshes_total' // labels: provider, outcome
  | 'provider_exchanges_total' // labels: provider, outcome
  | 'provider_revocations_total' // labels: provider, outcome
  | 'provider_logouts_total' // labels: provider, outcome

export type HistogramName =
  | 'request_seconds' // labels: family, status
  | 'password_hash_seconds'

export const noMeter: Meter = { count() {}, observe() {} }
