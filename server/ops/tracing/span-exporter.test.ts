import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { captureLog } from '../../base/log.testing.ts'
import { type Meter, noMeter } from '../../base/meter.ts'
import { Span } from './span.ts'
import { createSpanExporter, type Delivery } from './span-exporter.ts'

const span = () =>
  new Span({
    trace: {
      id: '0af7651916cd43dd8448eb211c80319c',
      isSampled: true,
      state: null,
      began: { wall: 1_700_000_000_000, steady: 0 },
    },
    name: 'GET /',
    kind: 'server',
    startedAt: 0,
    parent: null,
  })

/** @param answers to each attempt; the last one is repeated */
function setUp(answers: (Delivery | Promise<Delivery>)[]) {
  const counts: Record<string, number> = {}
  const meter: Meter = {
    ...noMeter,
    count: (name, labels, by = 1) => {
      const key = `${name} ${labels?.['outcome']}`
      counts[key] = (counts[key] ?? 0) + by
    },
  }
  const { log, lines } = captureLog()
  const sent: number[] = []
  const exporter = createSpanExporter({
    log,
    meter,
    source: { version: '1.2.3', instance: 'i' },
    timeoutMs: 1000,
    collectMs: 5,
    firstWaitMs: 1,
    async deliver(body) {
      const { resourceSpans } = JSON.parse(gunzipSync(body).toString()) as {
        resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }]
      }
      sent.push(resourceSpans[0].scopeSpans[0].spans.length)
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? { kind: 'taken', rejected: 0 }
    },
  })
  const take = (count: number) => {
    for (let i = 0; i < count; i++) exporter.take(span())
  }
  const events = () => lines.map(line => (JSON.parse(line) as { event: string }).event)
  return { exporter, take, counts, sent, events }
}

const TAKEN: Delivery = { kind: 'taken', rejected: 0 }
const AGAIN: Delivery = { kind: 'again', why: 'status 503', waitMs: null }

test('spans are sent in batches, one after the other, and at the end', async () => {
  const { exporter, take, counts, sent } = setUp([TAKEN])
  take(3)
  await expect.poll(() => sent).toEqual([3])
  take(600)
  await exporter.close()
  expect(sent).toEqual([3, 256, 256, 88])
  expect(counts).toEqual({ 'trace_spans_total exported': 603 })
})

test('OTLP: what may be retried is sent again; what is refused is not, and neither what was tried five times', async () => {
  const { take, counts, sent } = setUp([AGAIN, AGAIN, TAKEN, { kind: 'refused', why: 'status 400' }, AGAIN])
  take(1)
  await expect.poll(() => counts).toEqual({ 'trace_spans_total exported': 1 })
  take(1)
  await expect.poll(() => counts['trace_spans_total failed']).toBe(1)
  expect(sent).toHaveLength(4)
  take(1)
  await expect.poll(() => counts['trace_spans_total failed']).toBe(2)
  expect(sent).toHaveLength(9)
})

test('OTLP: spans that the receiver rejects of a batch are counted, however many it says', async () => {
  const { take, counts } = setUp([
    { kind: 'taken', rejected: 2 },
    { kind: 'taken', rejected: 99 },
  ])
  take(5)
  await expect.poll(() => counts).toEqual({ 'trace_spans_total exported': 3, 'trace_spans_total rejected': 2 })
  take(5)
  await expect.poll(() => counts['trace_spans_total rejected']).toBe(7)
})

test('a failure is logged once, and its end once', async () => {
  const { take, counts, events } = setUp([AGAIN, AGAIN, AGAIN, TAKEN, AGAIN, TAKEN])
  take(1)
  await expect.poll(() => counts['trace_spans_total exported']).toBe(1)
  take(1)
  await expect.poll(() => counts['trace_spans_total exported']).toBe(2)
  expect(events()).toEqual([
    'traces_export_failed',
    'traces_export_recovered',
    'traces_export_failed',
    'traces_export_recovered',
  ])
})

test('while a receiver does not answer, the queue beside the batch under way is bounded, and what does not fit is counted as dropped', async () => {
  let answer: (delivery: Delivery) => void = () => {}
  const { exporter, take, counts } = setUp([new Promise<Delivery>(resolve => (answer = resolve)), TAKEN])
  take(10_000)
  expect(counts).toEqual({ 'trace_spans_total dropped': 10_000 - 4096 - 256 })
  answer(TAKEN)
  await exporter.close()
  expect(counts['trace_spans_total exported']).toBe(4096 + 256)
  take(1)
  expect(counts['trace_spans_total dropped']).toBe(10_000 - 4096 - 256 + 1)
})
