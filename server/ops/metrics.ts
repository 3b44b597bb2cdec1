import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { CounterName, HistogramName, Meter } from '../base/meter.ts'
import { OperatorError } from '../base/operator-error.ts'
import { NAME } from '../contract/name.ts'

const COUNTERS: Record<CounterName, { help: string; labels: string[] }> = {
  session_verdicts_total: { help: 'What was decided on session cookies', labels: ['verdict'] },
  sessions_opened_total: { help: 'Sessions opened', labels: [] },
  sessions_ended_total: { help: 'Sessions ended, by reason', labels: ['reason'] },
  sign_ins_total: { help: 'Attempts to sign in, by what came of them', labels: ['outcome'] },
  store_failures_total: { help: 'Times that the database could not be read or written', labels: [] },
  provider_refreshes_total: {
    help: 'Refreshes of tokens at providers, by what came of them',
    labels: ['provider', 'outcome'],
  },
  provider_exchanges_total: {
    help: 'Tokens traded for ones for a single upstream, by what came of it',
    labels: ['provider', 'outcome'],
  },
  provider_revocations_total: {
    help: 'Tokens of ended sessions that were given back, by what came of it',
    labels: ['provider', 'outcome'],
  },
  provider_logouts_total: {
    help: 'Sign-outs that providers told us of, by what came of them',
    labels: ['provider', 'outcome'],
  },
}

const HISTOGRAMS: Record<HistogramName, { help: string; labels: string[]; buckets: number[] }> = {
  request_seconds: {
    help: 'Time from a request to the end of its answer',
    labels: ['family', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  password_hash_seconds: {
    help: 'Time to hash one password, without waiting',
    labels: [],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
}

export interface Metrics {
  meter: Meter
  text(): Promise<string>
  /** Serves `/metrics` on 127.0.0.1 only. @throws OperatorError when the port is taken */
  serve(port: number): Promise<{ port: number; close(): Promise<void> }>
}

/** Prometheus behind the meter that rooms know, in a registry of its own, with the process's own figures. */
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
          ['Another program has it, most likely: choose another (PORCHLIGHT_METRICS_PORT).'],
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
  // A web page in this machine's browser can reach loopback under a name of its own (DNS rebinding), but not under
  // ours.
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
