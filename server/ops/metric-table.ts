import type { CounterName, GaugeName, HistogramName } from '../base/meter.ts'

interface Described {
  help: string
  labels: readonly string[]
}

/** Upper bounds of a histogram's buckets, in seconds. */
type Timed = Described & { buckets: readonly number[] }

const REQUESTS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/**
 * What each metric means. Labels have few values, known from the configuration or from a closed list: never an id, an
 * address or a path.
 */
export const COUNTERS: Record<CounterName, Described> = {
  problems_total: { help: 'Error responses, by problem code', labels: ['code'] },
  session_verdicts_total: { help: 'Decisions on session cookies', labels: ['verdict'] },
  sessions_opened_total: { help: 'Sessions opened', labels: [] },
  sessions_ended_total: { help: 'Sessions ended, by reason', labels: ['reason'] },
  sign_ins_total: { help: 'Sign-in attempts, by outcome', labels: ['outcome'] },
  store_failures_total: { help: 'Failed database reads and writes', labels: [] },
  upstream_requests_total: {
    help: 'Relayed requests, by kind of method (read, write or upgrade) and by status class or problem code; "aborted" if the client left first',
    labels: ['upstream', 'method', 'outcome'],
  },
  upstream_responses_cut_total: {
    help: 'Responses that broke off after their headers had been passed on',
    labels: ['upstream'],
  },
  provider_refreshes_total: { help: 'Token refreshes at providers, by outcome', labels: ['provider', 'outcome'] },
  provider_exchanges_total: {
    help: 'Token exchanges for a single upstream, by outcome',
    labels: ['provider', 'outcome'],
  },
  provider_revocations_total: {
    help: 'Token revocations of ended sessions, by outcome',
    labels: ['provider', 'outcome'],
  },
  mails_total: { help: 'Mails, by how they ended', labels: ['outcome'] },
  trace_spans_total: {
    help: 'Spans of traces: exported, dropped (they did not fit the queue), failed (the receiver did not take them) or rejected by it',
    labels: ['outcome'],
  },
  traces_limited_total: {
    help: 'Traces that were not recorded because too many began within a second',
    labels: [],
  },
  provider_logouts_total: { help: 'Back-channel logouts from providers, by outcome', labels: ['provider', 'outcome'] },
}

export const HISTOGRAMS: Record<HistogramName, Timed> = {
  request_seconds: {
    help: 'Time from a request to the end of its response',
    labels: ['family', 'status'],
    buckets: REQUESTS,
  },
  password_hash_seconds: {
    help: 'Time to hash one password, excluding waiting',
    labels: [],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
  store_commit_seconds: {
    help: 'Time of one database transaction, which may hold the writes of several requests',
    labels: [],
    buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1],
  },
  upstream_response_seconds: {
    help: "Time from relaying a request to the headers of the upstream's response, including time to get a token for it",
    labels: ['upstream'],
    buckets: REQUESTS,
  },
  provider_call_seconds: {
    help: 'Time of one call to an identity provider, by endpoint and by status class ("failed" without a response)',
    labels: ['provider', 'operation', 'outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
}

export const GAUGES: Record<GaugeName, Described> = {
  build_info: { help: 'Always 1; the versions of Porchlight and Node are in the labels', labels: ['version', 'node'] },
  ready: { help: '1 if the server can do its work, as /readyz says; otherwise 0', labels: [] },
  sessions_live: { help: 'Sessions that have not ended, counted at most once a minute', labels: [] },
  streams_open: {
    help: 'Open live connections: WebSockets, event streams and long responses',
    labels: ['kind'],
  },
  password_hashes_waiting: { help: 'Passwords that wait to be hashed', labels: [] },
  provider_up: {
    help: '1 if the last call to the provider was answered, 0 if it failed or was answered with a server error; absent before the first call',
    labels: ['provider'],
  },
  provider_consecutive_failures: { help: 'Failed calls to the provider since the last success', labels: ['provider'] },
  provider_backoff_seconds: {
    help: 'How long token refreshes at the provider are still paused after failures',
    labels: ['provider'],
  },
  store_database_bytes: { help: 'Size of the database file', labels: [] },
  store_wal_bytes: { help: 'Size of the write-ahead log beside the database', labels: [] },
  data_free_bytes: { help: 'Free space on the disk of the data folder', labels: [] },
  backup_timestamp_seconds: {
    help: 'When the last backup was written, as Unix time; absent if there was none',
    labels: [],
  },
  signing_key_rotation_overdue: {
    help: '1 if the key that signs upstream tokens is older than signingRotationDays, otherwise 0',
    labels: [],
  },
  upstream_certificate_expires_timestamp_seconds: {
    help: 'When the client certificate for an upstream expires, as Unix time',
    labels: ['upstream'],
  },
}
