import type { CounterName, GaugeName, HistogramName } from '../../server/base/meter.ts'
import { NAME } from '../../server/contract/name.ts'

// What the dashboard shows. `npm run dashboard` makes porchlight.json of it.

/** `unit`: as Grafana names it. `thresholds`: from which value on a figure is yellow and red, or below which it is red. */
export interface Panel {
  title: string
  /** What to look for. */
  about: string
  unit: 'short' | 'reqps' | 'ops' | 's' | 'bytes' | 'percentunit' | 'bool_yes_no'
  kind?: 'graph' | 'figure'
  queries: readonly { expr: string; legend: string }[]
  thresholds?: readonly [number, number] | { below: number }
}
export interface Row {
  title: string
  panels: readonly Panel[]
}

type ProcessMetric =
  | 'process_cpu_seconds_total'
  | 'process_resident_memory_bytes'
  | 'process_open_fds'
  | 'process_start_time_seconds'
  | 'nodejs_eventloop_lag_p99_seconds'
  | 'nodejs_heap_size_used_bytes'
  | 'nodejs_gc_duration_seconds_sum'
type Series = CounterName | GaugeName | ProcessMetric | `${HistogramName}_${'count' | 'bucket' | 'sum'}`

/** A series of the servers that were chosen above the dashboard. */
const series = (name: Series, where = '') => `${NAME}_${name}{instance=~"$instance"${where === '' ? '' : `, ${where}`}}`
const rate = (name: Series, where?: string) => `rate(${series(name, where)}[$__rate_interval])`
const sum = (by: string, what: string) => (by === '' ? `sum(${what})` : `sum by (${by}) (${what})`)
const quantile = (q: number, name: HistogramName, by: string, where?: string) =>
  `histogram_quantile(${q}, ${sum(by === '' ? 'le' : `le, ${by}`, rate(`${name}_bucket`, where))})`

const age = (name: GaugeName) => `time() - ${series(name)}`

export const ROWS: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Ready',
        about: 'Whether every server can do its work, as /readyz says.',
        unit: 'bool_yes_no',
        kind: 'figure',
        queries: [{ expr: `min(${series('ready')})`, legend: 'ready' }],
        thresholds: { below: 1 },
      },
      {
        title: 'Version',
        about: 'What runs. Two versions are a rolling upgrade.',
        unit: 'short',
        kind: 'figure',
        queries: [{ expr: `count by (version) (${series('build_info')})`, legend: '{{version}}' }],
      },
      {
        title: 'Running for',
        about: 'Since the last start.',
        unit: 's',
        kind: 'figure',
        queries: [{ expr: `min(time() - ${series('process_start_time_seconds')})`, legend: 'uptime' }],
      },
      {
        title: 'Live sessions',
        about: 'Sessions that have not ended.',
        unit: 'short',
        kind: 'figure',
        queries: [{ expr: `sum(${series('sessions_live')})`, legend: 'sessions' }],
      },
      {
        title: 'Server errors',
        about: 'The share of requests answered with 5xx, those of APIs behind it included.',
        unit: 'percentunit',
        kind: 'figure',
        queries: [
          {
            expr: `(${sum('', rate('request_seconds_count', 'status=~"5.."'))} or vector(0)) / ${sum('', rate('request_seconds_count'))}`,
            legend: '5xx',
          },
        ],
        thresholds: [0.01, 0.05],
      },
      {
        title: 'Last backup',
        about: 'The age of the newest backup; empty if there was none.',
        unit: 's',
        kind: 'figure',
        queries: [{ expr: `max(${age('backup_timestamp_seconds')})`, legend: 'age' }],
        thresholds: [86_400 * 1.5, 86_400 * 3],
      },
    ],
  },
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests by family',
        about: 'site: pages · auth: sign-in and sessions · api: the relay · assets: files.',
        unit: 'reqps',
        queries: [{ expr: sum('family', rate('request_seconds_count')), legend: '{{family}}' }],
      },
      {
        title: 'Response time, 95th percentile',
        about: 'To the end of the response, so downloads and streams count with their length.',
        unit: 's',
        queries: [{ expr: quantile(0.95, 'request_seconds', 'family'), legend: '{{family}}' }],
      },
      {
        title: 'Requests by status',
        about: '"aborted": the client left before any response.',
        unit: 'reqps',
        queries: [{ expr: sum('status', rate('request_seconds_count')), legend: '{{status}}' }],
      },
      {
        title: 'Error responses by code',
        about: 'The codes are explained in the reference.',
        unit: 'reqps',
        queries: [{ expr: sum('code', rate('problems_total')), legend: '{{code}}' }],
      },
    ],
  },
  {
    title: 'Sessions and sign-ins',
    panels: [
      {
        title: 'Sessions opened and ended',
        about: 'refresh_reuse is a copied cookie: look at the log.',
        unit: 'ops',
        queries: [
          { expr: sum('', rate('sessions_opened_total')), legend: 'opened' },
          { expr: sum('reason', rate('sessions_ended_total')), legend: 'ended: {{reason}}' },
        ],
      },
      {
        title: 'Decisions on cookies',
        about: 'pass: nothing to do · rotate: renewed · again: a lost response was repaired.',
        unit: 'ops',
        queries: [{ expr: sum('verdict', rate('session_verdicts_total')), legend: '{{verdict}}' }],
      },
      {
        title: 'Sign-ins by outcome',
        about: 'Many invalid_credentials or slow_down: somebody guesses.',
        unit: 'ops',
        queries: [{ expr: sum('outcome', rate('sign_ins_total')), legend: '{{outcome}}' }],
      },
      {
        title: 'Password hashing',
        about: 'The time of one hash, and how many wait. A growing queue is a flood of sign-ins, or a slow machine.',
        unit: 'short',
        queries: [
          { expr: quantile(0.95, 'password_hash_seconds', ''), legend: 'seconds, 95th percentile' },
          { expr: `sum(${series('password_hashes_waiting')})`, legend: 'waiting' },
        ],
      },
    ],
  },
  {
    title: 'APIs behind the relay',
    panels: [
      {
        title: 'Calls',
        about: 'To each API.',
        unit: 'reqps',
        queries: [{ expr: sum('upstream', rate('upstream_requests_total')), legend: '{{upstream}}' }],
      },
      {
        title: 'Time to the response, 95th percentile',
        about: 'To the headers of the response, including time to get a token for the API.',
        unit: 's',
        queries: [{ expr: quantile(0.95, 'upstream_response_seconds', 'upstream'), legend: '{{upstream}}' }],
      },
      {
        title: 'Failures',
        about: '5xx of the API, or why there was no response; cut: it broke off midway.',
        unit: 'reqps',
        queries: [
          {
            expr: sum('upstream, outcome', rate('upstream_requests_total', 'outcome!~"[1234]xx|aborted"')),
            legend: '{{upstream}}: {{outcome}}',
          },
          { expr: sum('upstream', rate('upstream_responses_cut_total')), legend: '{{upstream}}: cut' },
        ],
      },
      {
        title: 'Open streams',
        about: 'WebSockets, event streams and long responses.',
        unit: 'short',
        queries: [{ expr: sum('kind', series('streams_open')), legend: '{{kind}}' }],
      },
    ],
  },
  {
    title: 'Identity providers',
    panels: [
      {
        title: 'Up',
        about: 'Whether the last call was answered.',
        unit: 'bool_yes_no',
        queries: [{ expr: `min by (provider) (${series('provider_up')})`, legend: '{{provider}}' }],
      },
      {
        title: 'Time of a call, 95th percentile',
        about: 'By endpoint.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.95, 'provider_call_seconds', 'provider, operation'),
            legend: '{{provider}} {{operation}}',
          },
        ],
      },
      {
        title: 'Failures in a row, and pause',
        about: 'After failures, token refreshes pause for longer and longer.',
        unit: 'short',
        queries: [
          { expr: `max by (provider) (${series('provider_consecutive_failures')})`, legend: '{{provider}}: failures' },
          { expr: `max by (provider) (${series('provider_backoff_seconds')})`, legend: '{{provider}}: pause, seconds' },
        ],
      },
      {
        title: 'Tokens and sign-outs',
        about: 'Refreshes, exchanges and revocations of tokens, and sign-outs that providers report.',
        unit: 'ops',
        queries: [
          {
            expr: sum('provider, outcome', rate('provider_refreshes_total')),
            legend: '{{provider}} refresh: {{outcome}}',
          },
          {
            expr: sum('provider, outcome', rate('provider_exchanges_total')),
            legend: '{{provider}} exchange: {{outcome}}',
          },
          {
            expr: sum('provider, outcome', rate('provider_revocations_total')),
            legend: '{{provider}} revocation: {{outcome}}',
          },
          {
            expr: sum('provider, outcome', rate('provider_logouts_total')),
            legend: '{{provider}} sign-out: {{outcome}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Store',
    panels: [
      {
        title: 'Commits',
        about: 'A commit waits for the disk. Above 50 ms, the disk is slow or shared.',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'store_commit_seconds', ''), legend: 'median' },
          { expr: quantile(0.99, 'store_commit_seconds', ''), legend: '99th percentile' },
        ],
      },
      {
        title: 'Failed reads and writes',
        about: 'Anything but zero: a full or failing disk.',
        unit: 'ops',
        queries: [{ expr: sum('', rate('store_failures_total')), legend: 'failures' }],
      },
      {
        title: 'Size',
        about: 'The database and the log beside it, which shrinks after checkpoints.',
        unit: 'bytes',
        queries: [
          { expr: `sum(${series('store_database_bytes')})`, legend: 'database' },
          { expr: `sum(${series('store_wal_bytes')})`, legend: 'write-ahead log' },
        ],
      },
      {
        title: 'Free space',
        about: 'On the disk of the data folder.',
        unit: 'bytes',
        queries: [{ expr: `min(${series('data_free_bytes')})`, legend: 'free' }],
      },
    ],
  },
  {
    title: 'Mail, keys and traces',
    panels: [
      {
        title: 'Mails by outcome',
        about: 'Of those that are finished.',
        unit: 'ops',
        queries: [{ expr: sum('outcome', rate('mails_total')), legend: '{{outcome}}' }],
      },
      {
        title: 'Signing key overdue',
        about: '1: the key that signs tokens for APIs is older than signingRotationDays.',
        unit: 'bool_yes_no',
        queries: [{ expr: `max(${series('signing_key_rotation_overdue')})`, legend: 'overdue' }],
      },
      {
        title: 'Client certificates expire in',
        about: 'Of APIs that ask for one.',
        unit: 's',
        queries: [
          {
            expr: `min by (upstream) (${series('upstream_certificate_expires_timestamp_seconds')}) - time()`,
            legend: '{{upstream}}',
          },
        ],
      },
      {
        title: 'Spans of traces',
        about: 'Sent, or lost on the way to the receiver; traces that were not recorded because there were too many.',
        unit: 'ops',
        queries: [
          { expr: sum('outcome', rate('trace_spans_total')), legend: '{{outcome}}' },
          { expr: sum('', rate('traces_limited_total')), legend: 'traces not recorded' },
        ],
      },
    ],
  },
  {
    title: 'Process',
    panels: [
      {
        title: 'Processor',
        about: 'Of one core: Porchlight is a single process.',
        unit: 'percentunit',
        queries: [{ expr: rate('process_cpu_seconds_total'), legend: '{{instance}}' }],
      },
      {
        title: 'Memory',
        about: 'Resident, and the part that JavaScript uses.',
        unit: 'bytes',
        queries: [
          { expr: series('process_resident_memory_bytes'), legend: '{{instance}} resident' },
          { expr: series('nodejs_heap_size_used_bytes'), legend: '{{instance}} heap' },
        ],
      },
      {
        title: 'Event loop and garbage collection',
        about: 'How long other requests wait while one computes, and the share of time spent collecting garbage.',
        unit: 's',
        queries: [
          { expr: series('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}} lag, 99th percentile' },
          {
            expr: sum('instance', rate('nodejs_gc_duration_seconds_sum')),
            legend: '{{instance}} collection per second',
          },
        ],
      },
      {
        title: 'Open files',
        about: 'Connections, mostly.',
        unit: 'short',
        queries: [{ expr: series('process_open_fds'), legend: '{{instance}}' }],
      },
    ],
  },
]
