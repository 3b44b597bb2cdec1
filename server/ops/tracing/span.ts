import type { SteadyMs, UnixMs } from '../../base/clock.ts'
import { randomHex, type RemoteParent, traceparentOf } from './trace-context.ts'

/** As numbered by OpenTelemetry's protocol. */
export const SPAN_KINDS = { internal: 1, server: 2, client: 3 } as const
export type SpanKind = keyof typeof SPAN_KINDS

/** Few and small: from the configuration or a closed list. Never a query, an address, a name or an id of a person. */
export type Attributes = Record<string, string | number | boolean>

/** What the spans of one request have in common. */
export interface Trace {
  id: string
  isSampled: boolean
  /** The `tracestate` of whoever began it; null: none. */
  state: string | null
  /** The same instant on both clocks: every span's time is counted from it, so that none begins before its parent. */
  began: { wall: UnixMs; steady: SteadyMs }
}

interface SpanInput {
  trace: Trace
  name: string
  kind: SpanKind
  startedAt: SteadyMs
  parent: Span | RemoteParent | null
}

/** A part of a trace, while it lasts and afterwards. */
export class Span {
  readonly trace: Trace
  readonly name: string
  readonly kind: SpanKind
  readonly startedAt: SteadyMs
  readonly parent: Span | RemoteParent | null
  readonly attributes: Attributes = {}
  /** Of a client that is not trusted to choose the trace: told, and not followed. */
  link: RemoteParent | null = null
  hasFailed = false
  /** null: it is not over. */
  endedAt: SteadyMs | null = null
  #id: string | null = null

  constructor({ trace, name, kind, startedAt, parent }: SpanInput) {
    this.trace = trace
    this.name = name
    this.kind = kind
    this.startedAt = startedAt
    this.parent = parent
  }

  get id(): string {
    return (this.#id ??= randomHex(8))
  }

  get parentId(): string | null {
    return this.parent === null ? null : this.parent instanceof Span ? this.parent.id : this.parent.spanId
  }

  set(attributes: Attributes): void {
    Object.assign(this.attributes, attributes)
  }

  /** @param type a problem code, a status or another name from a closed list */
  fail(type: string): void {
    this.hasFailed = true
    this.attributes['error.type'] = type
  }
}

/**
 * The headers with which another server continues the trace (W3C Trace Context §3).
 * @param span whose part the call is
 * @param to a provider is told nothing that others put into `tracestate`
 */
export function traceHeaders(span: Span, to: 'upstream' | 'provider'): string[] {
  const { id: traceId, isSampled, state } = span.trace
  const headers = ['traceparent', traceparentOf({ traceId, spanId: span.id, isSampled })]
  if (state !== null && to === 'upstream') headers.push('tracestate', state)
  return headers
}
