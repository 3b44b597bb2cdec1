import { bothObservers, type CallObserver } from '../base/call-observer.ts'
import { type Clock, SECOND } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Meter, noMeter } from '../base/meter.ts'
import { version } from '../base/version.ts'
import { isLoopback } from '../config/address.ts'
import type { Config } from '../config/types.ts'
import type { Tracer } from '../ops/tracing/tracer.ts'
import type { Sessions } from '../session/types.ts'
import type { Store } from '../store/types.ts'

/** What reports how the server is doing. Whatever is not configured is not loaded. */
export interface Telemetry {
  meter: Meter
  /** Watch the calls to upstreams and providers; null: nothing does. */
  upstreamCalls: CallObserver | null
  providerCalls: CallObserver | null
  /** null: nothing is traced. */
  tracing: Tracing | null
  /**
   * Opens the port of the metrics, once it is certain that this server may run.
   * @returns closes it
   * @throws OperatorError if it is in use
   */
  serve(): Promise<() => Promise<void>>
  /** Sends what is left to send. */
  close(): Promise<void>
}

export interface Tracing {
  tracer: Tracer
  store: (store: Store) => Store
  sessions: (sessions: Sessions) => Sessions
}

interface Deps {
  clock: Clock
  log: Log
}

/** How long one attempt to send spans may take. */
const EXPORT_MS = 10 * SECOND

export async function openTelemetry(config: Pick<Config, 'metrics' | 'traces'>, deps: Deps): Promise<Telemetry> {
  const measured = config.metrics === null ? null : await openMetrics(config.metrics, deps)
  const meter = measured?.meter ?? noMeter
  const traced = config.traces === null ? null : await openTraces(config.traces, { ...deps, meter })
  return {
    meter,
    upstreamCalls: bothObservers(measured?.upstreamCalls ?? null, traced?.upstreamCalls ?? null),
    providerCalls: bothObservers(measured?.providerCalls ?? null, traced?.providerCalls ?? null),
    tracing: traced,
    serve: measured?.serve ?? (async () => async () => {}),
    close: traced?.close ?? (async () => {}),
  }
}

async function openMetrics(place: NonNullable<Config['metrics']>, { clock }: Deps) {
  const [{ createMetrics }, { measureUpstreams, measureProviders }] = await Promise.all([
    import('../ops/metrics.ts'),
    import('../ops/measure-calls.ts'),
  ])
  const metrics = createMetrics()
  const { meter } = metrics
  return {
    meter,
    upstreamCalls: measureUpstreams(meter, clock),
    providerCalls: measureProviders(meter, clock),
    serve: async () => (await metrics.serve(place)).close,
  }
}

async function openTraces(traces: NonNullable<Config['traces']>, { clock, log, meter }: Deps & { meter: Meter }) {
  const { url, headers, ratio } = traces
  const { protocol, hostname, origin } = new URL(url)
  if (protocol === 'http:' && headers.length > 0 && !isLoopback(hostname))
    log.warn(
      { event: 'traces_plain_http', target: origin },
      'traces are sent over plain http; the headers with them can be read on the network',
    )
  const [{ createTracer }, { createSpanExporter }, { createDelivery }, { traceCalls }, { traceStore, traceSessions }] =
    await Promise.all([
      import('../ops/tracing/tracer.ts'),
      import('../ops/tracing/span-exporter.ts'),
      import('../ops/tracing/deliver-spans.ts'),
      import('../ops/tracing/trace-calls.ts'),
      import('../ops/tracing/trace-rooms.ts'),
    ])
  const delivery = createDelivery(traces)
  const exporter = createSpanExporter({
    log,
    meter,
    source: { version, instance: randomId() },
    deliver: delivery.deliver,
    timeoutMs: EXPORT_MS,
  })
  const tracer = createTracer({ clock, meter, ratio, take: exporter.take })
  return {
    tracer,
    upstreamCalls: traceCalls(tracer, 'upstream'),
    providerCalls: traceCalls(tracer, 'provider'),
    store: (store: Store) => traceStore(store, tracer),
    sessions: (sessions: Sessions) => traceSessions(sessions, tracer),
    async close() {
      await exporter.close()
      await delivery.close()
    },
  }
}
