import type { MaybePromise } from './maybe-promise.ts'

/**
 * Metrics that the rooms report. ops/metrics.ts exposes them to Prometheus; with metrics disabled this is `noMeter`.
 * ops/metric-table.ts says what each of them means.
 */
export interface Meter {
  /** Increments a counter. */
  count(name: CounterName, labels?: Labels, by?: number): void
  /** Records one duration, in seconds. */
  observe(name: HistogramName, seconds: number, labels?: Labels): void
  /** Reads a gauge whenever it is asked for, and only then. What fails to be read is left out. */
  gauge(name: GaugeName, read: () => MaybePromise<Reading>): void
}

export type Labels = Record<string, string>

/** A number, or one for each set of labels; null: there is none. */
export type Reading = number | null | readonly { labels: Labels; value: number }[]

export type CounterName =
  | 'problems_total' // label: code
  | 'session_verdicts_total' // label: verdict
  | 'sessions_opened_total'
  | 'sessions_ended_total' // label: reason
  | 'sign_ins_total' // label: outcome
  | 'store_failures_total'
  | 'upstream_requests_total' // labels: upstream, method, outcome
  | 'upstream_responses_cut_total' // label: upstream
  | 'provider_refreshes_total' // labels: provider, outcome
  | 'provider_exchanges_total' // labels: provider, outcome
  | 'provider_revocations_total' // labels: provider, outcome
  | 'mails_total' // label: outcome
  | 'trace_spans_total' // label: outcome
  | 'traces_limited_total'
  | 'provider_logouts_total' // labels: provider, outcome

export type HistogramName =
  | 'request_seconds' // labels: family, status
  | 'password_hash_seconds'
  | 'store_commit_seconds'
  | 'upstream_response_seconds' // label: upstream
  | 'provider_call_seconds' // labels: provider, operation, outcome

export type GaugeName =
  | 'build_info' // labels: version, node
  | 'ready'
  | 'sessions_live'
  | 'streams_open' // label: kind
  | 'password_hashes_waiting'
  | 'provider_up' // label: provider
  | 'provider_consecutive_failures' // label: provider
  | 'provider_backoff_seconds' // label: provider
  | 'store_database_bytes'
  | 'store_wal_bytes'
  | 'data_free_bytes'
  | 'backup_timestamp_seconds'
  | 'signing_key_rotation_overdue'
  | 'upstream_certificate_expires_timestamp_seconds' // label: upstream

export const noMeter: Meter = { count() {}, observe() {}, gauge() {} }
