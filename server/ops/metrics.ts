import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { CounterName, HistogramName, Meter } from '../base/meter.ts'
import { OperatorError } from '../base/operator-error.ts'
import { NAME } from '../contract/name.ts'

const COUNTERS: Record<CounterName, { help: string; labels: string[] }> = {
  session_verdicts_total: { help: 'Decisions on session cookies', labels: ['verdict'] },
  sessions_opened_total: { help: 'Sessions opened', labels: [] },
  sessions_ended_total: { help: 'Sessions ended, by reason', labels: ['reason'] },
  sign_ins_total: { help: 'Sign-in attempts, by outcome', labels: ['outcome'] },
  store_failures_total: { help: 'Failed database reads and writes', labels: [] },
  provider_refreshes_total: {
    help: 'Token refreshes at providers, by outcome',
    labels: ['provider', 'outcome'],
  },
  provider_exchanges_total: {
    help: 'Token exchanges for a single upstream, by outcome',
    labels: ['provider', 'outcome'],
  },
  provider_revocations_total: {
    help: 'Token revocations of ended sessions, by outcome',
    labels: ['provider', 'outcome'],
  },
  provider_logouts_total: {
    help: 'Back-channel logouts from providers, by outcome',
    labels: ['provider', 'outcome'],
  },
}

const HISTOGRAMS: Record<HistogramName, { help: string; labels: string[]; buckets: number[] }> = {
  request_seconds: {
    help: 'Time from a request to the end of its response',
    labels: ['family', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  password_hash_seconds: {
    help: 'Time to hash one password, excluding waiting',
    labels: [],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
}

export interface Metrics {
  meter: Meter
  text(): Promise<string>
  /**
   * Serves `/metrics` on 127.0.0.1 only.
   * @throws OperatorError if the port is in use
   */
  serve(port: number): Promise<{ port: number; close(): Promise<void> }>
}

/** Implements the meter with Prometheus, in a registry of its own that includes process metrics. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: `${NAME}_` })
  const counters = new Map(
    Object.entries(COUNTERS).map(([name, { help, labels }]) => [
      name,
      new Counter({ name: `${NAME}_${name}`, help, labelNames: labels, registers: [registry] }),
    ]),
  )
  const histograms = new Map(
    Object.entries(HISTOGRAMS).map(([name, { help, labels, buckets }]) => [
      name,
      new Histogram({ name: `${NAME}_${name}`, help, labelNames: labels, buckets, registers: [registry] }),
    ]),
  )

  const text = () => registry.metrics()
  return {
    text,
    meter: {
      count: (name, labels = {}) => counters.get(name)?.inc(labels),
      observe: (name, seconds, labels = {}) => histograms.get(name)?.observe(labels, seconds),
    },
    serve: port => serve(port, registry.contentType, text),
  }
}

function serve(
  port: number,
  contentType: string,
  text: () => Promise<string>,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => void answer(request, response, contentType, text))
  return new Promise((resolve, reject) => {
    server.once('error', error =>
      reject(
        new OperatorError(
          `The metrics cannot be served on port ${port}.`,
          ['Another program probably uses it. Choose another port (PORCHLIGHT_METRICS_PORT).'],
          error,
        ),
      ),
    )
    server.listen(port, '127.0.0.1', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise(done => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      }),
    )
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  contentType: string,
  text: () => Promise<string>,
): Promise<void> {
  // Rejects DNS rebinding: a web page in a browser on this machine can reach loopback under its own name, but not under
  // these.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ''))
    return end(response, 421, 'Ask for 127.0.0.1.\n')
  if (request.url !== '/metrics') return end(response, 404, 'The metrics are at /metrics.\n')
  if (request.method !== 'GET') return end(response, 405, 'GET only.\n')
  try {
    end(response, 200, await text(), contentType)
  } catch {
    end(response, 500, 'The metrics could not be collected.\n')
  }
}

function end(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response
    .writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    .end(body)
}
