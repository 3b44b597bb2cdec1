import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { SECOND } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Meter } from '../../base/meter.ts'
import { encodeSpans, type Source } from './otlp.ts'
import type { Span } from './span.ts'

/** Spans that wait to be sent; more are dropped. A few hundred bytes each. */
const QUEUE_MAX = 4096
const BATCH_MAX = 256
/** How long spans are collected before they are sent. */
const COLLECT_MS = SECOND
/** Attempts for one batch, and the waits between them (https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes). */
const ATTEMPTS = 5
const FIRST_WAIT_MS = SECOND
const LONGEST_WAIT_MS = 30 * SECOND
/** A final attempt at the end may take this long. */
const LAST_MS = 1500

const zipped = promisify(gzip)

/** What became of one attempt. `again`: later it may be taken; `waitMs` is what the receiver asks for, or null. */
export type Delivery =
  | { kind: 'taken'; rejected: number }
  | { kind: 'again'; why: string; waitMs: number | null }
  | { kind: 'refused'; why: string }

/** Sends one batch. Never rejects. */
export type Deliver = (body: Buffer, withinMs: number) => Promise<Delivery>

interface Deps {
  log: Log
  meter: Meter
  source: Source
  deliver: Deliver
  /** How long one attempt may take. */
  timeoutMs: number
  /** Shortened by tests. */
  collectMs?: number
  firstWaitMs?: number
}

/**
 * Sends spans in batches, one at a time, in the background. Whatever happens to them is counted, and told once in the
 * log; requests never wait for it or fail by it.
 */
export function createSpanExporter({
  log,
  meter,
  source,
  deliver,
  timeoutMs,
  collectMs = COLLECT_MS,
  firstWaitMs = FIRST_WAIT_MS,
}: Deps) {
  let queue: Span[] = []
  let isFailing = false
  let isClosing = false
  let sending: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  /** Ends the wait for the next attempt. */
  let wake = () => {}

  const count = (outcome: 'exported' | 'dropped' | 'failed' | 'rejected', spans: number) => {
    if (spans > 0) meter.count('trace_spans_total', { outcome }, spans)
  }

  function take(span: Span): void {
    if (queue.length >= QUEUE_MAX || isClosing) return count('dropped', 1)
    queue.push(span)
    if (queue.length >= BATCH_MAX) send()
    else if (timer === null) timer = setTimeout(send, collectMs).unref()
  }

  function send(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    sending ??= sendAll().finally(() => {
      sending = null
    })
  }

  async function sendAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH_MAX)
      queue = queue.slice(BATCH_MAX)
      await sendBatch(batch).catch(() => count('failed', batch.length))
      // Encoding is work, so other requests go first in between.
      await new Promise(resolveTurn => setImmediate(resolveTurn))
    }
  }

  async function sendBatch(batch: readonly Span[]): Promise<void> {
    const body = await zipped(encodeSpans(batch, source))
    for (let attempt = 1; ; attempt++) {
      const delivery = await deliver(body, isClosing ? LAST_MS : timeoutMs)
      if (delivery.kind === 'taken') {
        const rejected = Math.min(delivery.rejected, batch.length)
        count('exported', batch.length - rejected)
        count('rejected', rejected)
        return recovered()
      }
      failed(delivery.why)
      if (delivery.kind === 'refused' || attempt >= ATTEMPTS || isClosing) return count('failed', batch.length)
      await wait(delivery.waitMs ?? firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random()))
    }
  }

  async function wait(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const waiting = setTimeout(resolve, Math.min(ms, LONGEST_WAIT_MS)).unref()
      wake = () => {
        clearTimeout(waiting)
        resolve()
      }
    })
  }

  function failed(why: string): void {
    if (isFailing) return
    isFailing = true
    log.warn({ event: 'traces_export_failed', why }, 'failed to send traces; will drop those that do not fit the queue')
  }

  function recovered(): void {
    if (!isFailing) return
    isFailing = false
    log.info({ event: 'traces_export_recovered' }, 'traces are received again')
  }

  return {
    take,
    /** Sends what is waiting, once. */
    async close(): Promise<void> {
      isClosing = true
      wake()
      if (queue.length > 0) send()
      await sending
    },
  }
}
