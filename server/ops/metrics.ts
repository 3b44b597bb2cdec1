import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Meter } from '../base/meter.ts'
import { OperatorError } from '../base/operator-error.ts'
import { isLoopback } from '../config/address.ts'
import type { Config } from '../config/types.ts'
import { NAME } from '../contract/name.ts'
import { COUNTERS, GAUGES, HISTOGRAMS } from './metric-table.ts'

/** For documents: what the text below names with HELP and TYPE. */
export interface MetricDescription {
  name: string
  type: 'counter' | 'gauge' | 'histogram' | 'summary'
  help: string
  labels: readonly string[]
}

export interface Metrics {
  meter: Meter
  text(): Promise<string>
  /** Every metric, including those of the process, in the order of the text. */
  list(): MetricDescription[]
  /**
   * Serves `/metrics`, to anyone who can reach the address.
   * @throws OperatorError if it cannot be listened on
   */
  serve(place: MetricsPlace): Promise<{ port: number; close(): Promise<void> }>
}

type MetricsPlace = NonNullable<Config['metrics']>

/** Implements the meter with Prometheus, in a registry of its own that includes process metrics. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const common = (name: string, { help, labels }: { help: string; labels: readonly string[] }) => ({
    name: `${NAME}_${name}`,
    help,
    labelNames: labels,
    registers: [registry],
  })
  const counters = new Map(Object.entries(COUNTERS).map(([name, of]) => [name, new Counter(common(name, of))]))
  const histograms = new Map(
    Object.entries(HISTOGRAMS).map(([name, of]) => [
      name,
      new Histogram({ ...common(name, of), buckets: [...of.buckets] }),
    ]),
  )
  const readers = new Map<string, Parameters<Meter['gauge']>[1]>()
  for (const [name, of] of Object.entries(GAUGES))
    new Gauge({
      ...common(name, of),
      async collect() {
        this.reset()
        // Without labels, a reset gauge would read 0.
        if (of.labels.length === 0) this.remove()
        const reading = await read(readers.get(name))
        if (typeof reading === 'number') this.set(reading)
        else for (const { labels, value } of reading ?? []) this.set(labels, value)
      },
    })
  collectDefaultMetrics({ register: registry, prefix: `${NAME}_` })

  const text = () => registry.metrics()
  return {
    text,
    list: () => registry.getMetricsAsArray().map(describe),
    meter: {
      count: (name, labels = {}, by = 1) => counters.get(name)?.inc(labels, by),
      observe: (name, seconds, labels = {}) => histograms.get(name)?.observe(labels, seconds),
      gauge: (name, read) => void readers.set(name, read),
    },
    serve: place => serve(place, registry.contentType, text),
  }
}

/** prom-client's types leave out the labels. */
function describe(metric: { name: string; help: string; type: unknown; labelNames?: readonly string[] }) {
  const { name, help, type, labelNames = [] } = metric
  return { name, type: type as MetricDescription['type'], help, labels: labelNames }
}

/** A failing database must not take the metrics away that would tell of it. */
async function read(reader: Parameters<Meter['gauge']>[1] | undefined) {
  try {
    return reader === undefined ? null : await reader()
  } catch {
    return null
  }
}

function serve(
  { host, port }: MetricsPlace,
  contentType: string,
  text: () => Promise<string>,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(
    (request, response) => void answer(request, response, isLoopback(host), contentType, text),
  )
  return new Promise((resolve, reject) => {
    server.once('error', error =>
      reject(
        new OperatorError(
          `The metrics cannot be served on ${host}, port ${port}.`,
          [
            (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL'
              ? 'This machine has no such address. Set PORCHLIGHT_METRICS_HOST to one of its addresses.'
              : 'Another program probably uses it. Choose another port (PORCHLIGHT_METRICS_PORT).',
          ],
          error,
        ),
      ),
    )
    server.listen(port, host, () =>
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
  isPrivate: boolean,
  contentType: string,
  text: () => Promise<string>,
): Promise<void> {
  // Rejects DNS rebinding: a web page in a browser on this machine can reach loopback under its own name, but not under
  // these.
  if (isPrivate && !/^(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/.test(request.headers.host ?? ''))
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
