import type { SteadyMs } from '../../base/clock.ts'
import { DISPLAY_NAME, NAME } from '../../contract/name.ts'
import { type Attributes, SPAN_KINDS, Span } from './span.ts'

/** Numbers of `SpanFlags` and `StatusCode` in OpenTelemetry's protocol. */
const FLAGS = { sampled: 0x01, hasIsRemote: 0x100, isRemote: 0x200 }
const STATUS_ERROR = 2

/** Who sends the spans. */
export interface Source {
  version: string
  /** Of this process: random, new at each start. */
  instance: string
}

/**
 * Spans as OTLP/HTTP takes them in JSON: ids in hexadecimal, 64-bit numbers as text, enumerations as numbers.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeSpans(spans: readonly Span[], { version, instance }: Source): string {
  const resource = {
    'service.name': NAME,
    'service.version': version,
    'service.instance.id': instance,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.version,
  }
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: encodeAttributes(resource) },
        scopeSpans: [{ scope: { name: DISPLAY_NAME, version }, spans: spans.map(encodeSpan) }],
      },
    ],
  })
}

function encodeSpan(span: Span): object {
  const { trace, parent, parentId, link } = span
  return {
    traceId: trace.id,
    spanId: span.id,
    ...(parentId !== null && { parentSpanId: parentId }),
    ...(trace.state !== null && { traceState: trace.state }),
    flags: FLAGS.sampled | FLAGS.hasIsRemote | (parent === null || parent instanceof Span ? 0 : FLAGS.isRemote),
    name: span.name,
    kind: SPAN_KINDS[span.kind],
    startTimeUnixNano: unixNanos(span, span.startedAt),
    endTimeUnixNano: unixNanos(span, span.endedAt ?? span.startedAt),
    attributes: encodeAttributes(span.attributes),
    ...(link !== null && {
      links: [{ traceId: link.traceId, spanId: link.spanId, flags: FLAGS.hasIsRemote | FLAGS.isRemote }],
    }),
    status: span.hasFailed ? { code: STATUS_ERROR } : {},
  }
}

function encodeAttributes(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }))
}

function encodeValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** A double has no room for the nanoseconds since 1970, so the digits after the millisecond are appended as text. */
function unixNanos({ trace: { began } }: Span, at: SteadyMs): string {
  const micros = Math.round((at - began.steady) * 1000)
  const ms = Math.floor(micros / 1000)
  return `${began.wall + ms}${String(micros - ms * 1000).padStart(3, '0')}000`
}
