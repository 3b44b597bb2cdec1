import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../../base/clock.ts'
import type { Meter } from '../../base/meter.ts'
import { mapMaybe, type MaybePromise } from '../../base/maybe-promise.ts'
import { Problem } from '../../base/problem.ts'
import { createRate } from '../../base/rate.ts'
import { Span, type SpanKind, type Trace } from './span.ts'
import { randomHex, type RemoteParent } from './trace-context.ts'

/** Traces that begin here in a second, whoever causes them; a hundred and then some are recorded, the others are not. */
const TRACES_PER_SECOND = 100
const TRACES_BURST = 200

interface Deps {
  clock: Clock
  meter: Meter
  /** From 0 to 1: how many of the traces that begin here are recorded. */
  ratio: number
  /** Takes the spans of recorded traces as they end. */
  take: (span: Span) => void
}

export interface TraceOptions {
  name: string
  kind: SpanKind
  /** Its trace is continued, and its decision whether to record is followed; null: a trace begins. */
  parent: RemoteParent | null
}

/**
 * Makes spans. Which span the running code belongs to follows from where it was called from (AsyncLocalStorage), so
 * that rooms need not pass it on. Only loaded while traces are on.
 */
export function createTracer({ clock, meter, ratio, take }: Deps) {
  const storage = new AsyncLocalStorage<Span | null>()
  const rate = createRate(clock, { burst: TRACES_BURST, perSecond: TRACES_PER_SECOND })

  function isSampled(): boolean {
    if (Math.random() >= ratio) return false
    if (rate.take('') === 0) return true
    meter.count('traces_limited_total')
    return false
  }

  /** What runs long after a request, such as a timer that it set, no longer belongs to it. */
  function current(): Span | null {
    const span = storage.getStore() ?? null
    return span === null || span.endedAt !== null ? null : span
  }

  function end(span: Span): void {
    if (span.endedAt !== null) return
    span.endedAt = clock.now().steady
    if (span.trace.isSampled) take(span)
  }

  const tracer = {
    current,

    /** Runs work, and whatever it calls, as part of a span; null: of none. */
    run<T>(span: Span | null, work: () => T): T {
      return storage.run(span, work)
    },

    /** Begins the first span of a trace here. It is made for traces that are not recorded, too, so that calls say so. */
    beginTrace({ name, kind, parent }: TraceOptions): Span {
      const began = clock.now()
      const trace: Trace = {
        id: parent?.traceId ?? randomHex(16),
        isSampled: parent?.isSampled ?? isSampled(),
        state: parent?.state ?? null,
        began,
      }
      return new Span({ trace, name, kind, startedAt: began.steady, parent })
    },

    /** @returns null if nothing is recorded */
    begin(parent: Span | null, name: string, kind: SpanKind): Span | null {
      if (parent === null || !parent.trace.isSampled) return null
      return new Span({ trace: parent.trace, name, kind, startedAt: clock.now().steady, parent })
    },

    end,

    /** Does work in a span of its own, if the running code belongs to a recorded one. */
    measure<T>(
      name: string,
      kind: SpanKind,
      work: () => MaybePromise<T>,
      describe: (span: Span, result: T) => void,
    ): MaybePromise<T> {
      const span = tracer.begin(current(), name, kind)
      if (span === null) return work()
      const failed = (error: unknown): never => {
        span.fail(error instanceof Problem ? error.code : 'internal')
        end(span)
        throw error
      }
      try {
        const result = mapMaybe(storage.run(span, work), value => {
          describe(span, value)
          end(span)
          return value
        })
        return result instanceof Promise ? result.catch(failed) : result
      } catch (error) {
        return failed(error)
      }
    },
  }
  return tracer
}

export type Tracer = ReturnType<typeof createTracer>
