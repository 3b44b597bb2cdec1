import { expect, test } from 'vitest'
import { handClock } from '../../../tests/support/installation.ts'
import { type Meter, noMeter } from '../../base/meter.ts'
import { Problem } from '../../base/problem.ts'
import { bothObservers } from '../../base/call-observer.ts'
import { type Span, traceHeaders } from './span.ts'
import { traceCalls } from './trace-calls.ts'
import { createTracer } from './tracer.ts'

function setUp(ratio = 1) {
  const taken: Span[] = []
  let limited = 0
  const meter: Meter = { ...noMeter, count: name => void (name === 'traces_limited_total' && limited++) }
  const time = handClock()
  const tracer = createTracer({ clock: time.clock, meter, ratio, take: span => void taken.push(span) })
  return { tracer, taken, time, limited: () => limited }
}
const ROOT = { name: 'GET /', kind: 'server', parent: null } as const
const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', state: 'a=b' }

test('more than a hundred traces that begin in a second are not recorded, whatever the ratio, and counted', () => {
  const { tracer, time, limited } = setUp()
  const recorded = () =>
    Array.from({ length: 500 }, () => tracer.beginTrace(ROOT)).filter(({ trace }) => trace.isSampled)
  expect(recorded()).toHaveLength(200)
  expect(limited()).toBe(300)
  time.pass(1000)
  expect(recorded()).toHaveLength(100)
})

test('the ratio decides for traces that begin here, and the parent for those that are continued', () => {
  const none = setUp(0)
  expect(none.tracer.beginTrace(ROOT).trace.isSampled).toBe(false)
  const followed = none.tracer.beginTrace({ ...ROOT, parent: { ...PARENT, isSampled: true } })
  expect(followed.trace).toMatchObject({ id: PARENT.traceId, isSampled: true, state: 'a=b' })
  const all = setUp(1)
  expect(all.tracer.beginTrace({ ...ROOT, parent: { ...PARENT, isSampled: false } }).trace.isSampled).toBe(false)
})

test('work that a recorded request does is measured within its span, with the code of what it throws; other work is not', async () => {
  const { tracer, taken } = setUp()
  expect(
    tracer.measure(
      'a',
      'internal',
      () => 1,
      () => {},
    ),
  ).toBe(1)
  const request = tracer.beginTrace(ROOT)
  await tracer.run(request, async () => {
    await tracer.measure(
      'outer',
      'internal',
      () =>
        tracer.measure(
          'inner',
          'client',
          async () => 2,
          () => {},
        ),
      (span, value) => span.set({ value }),
    )
    const failing = () => Promise.reject(new Problem('store_unavailable'))
    await expect(tracer.measure('failed', 'client', failing, () => {})).rejects.toThrow()
    const broken = () => {
      throw new Error('a secret')
    }
    expect(() => tracer.measure('broken', 'client', broken, () => {})).toThrow('a secret')
  })
  expect(taken.map(({ name, parentId, attributes }) => [name, parentId, attributes])).toEqual([
    ['inner', taken[1]?.id, {}],
    ['outer', request.id, { value: 2 }],
    ['failed', request.id, { 'error.type': 'store_unavailable' }],
    ['broken', request.id, { 'error.type': 'internal' }],
  ])
})

test('what runs after a request has ended no longer belongs to it: a call to a provider begins a trace of its own', () => {
  const { tracer, taken } = setUp()
  const calls = traceCalls(tracer, 'provider')
  const request = tracer.beginTrace(ROOT)
  tracer.run(request, () => {
    calls.begin({ peer: 'main', method: 'POST', operation: 'token' }).ended(null)
    tracer.end(request)
    expect(tracer.current()).toBeNull()
    calls.begin({ peer: 'main', method: 'POST', operation: 'token' }).ended('ECONNREFUSED')
  })
  const [during, , after] = taken
  expect(during?.trace.id).toBe(request.trace.id)
  expect(after?.trace.id).not.toBe(request.trace.id)
  expect(after).toMatchObject({ hasFailed: true, parent: null })
})

test('W3C Trace Context §3.3: what others put into tracestate goes to upstreams, not to providers', () => {
  const { tracer } = setUp()
  const span = tracer.beginTrace({ ...ROOT, parent: { ...PARENT, isSampled: true } })
  expect(traceHeaders(span, 'upstream')).toEqual([
    'traceparent',
    `00-${PARENT.traceId}-${span.id}-01`,
    'tracestate',
    'a=b',
  ])
  expect(traceHeaders(span, 'provider')).toHaveLength(2)
})

test('a call of a request that is not recorded says so to the other server, and a relayed call without a request says nothing', () => {
  const { tracer, taken } = setUp(0)
  const request = tracer.beginTrace(ROOT)
  const calls = traceCalls(tracer, 'upstream')
  const begin = () => calls.begin({ peer: 'notes', method: 'GET', operation: 'relay' })
  const { headers } = tracer.run(request, begin)
  expect(headers).toEqual(['traceparent', `00-${request.trace.id}-${request.id}-00`])
  expect(begin().headers).toEqual([])
  expect(taken).toEqual([])
})

test('two observers watch the same calls, and the headers of the one that has any are sent', () => {
  const seen: string[] = []
  const observer = (name: string, headers: string[] | null) => ({
    begin: () => ({
      headers,
      answered: (status: number) => void seen.push(`${name} ${status}`),
      ended: (failure: string | null) => void seen.push(`${name} ${failure}`),
    }),
  })
  expect(bothObservers(null, null)).toBeNull()
  const one = observer('one', null)
  expect(bothObservers(one, null)).toBe(one)
  const call = bothObservers(one, observer('two', ['a', 'b']))?.begin({ peer: 'x', method: 'GET', operation: 'relay' })
  call?.answered(200)
  call?.ended('cut')
  expect(call?.headers).toEqual(['a', 'b'])
  expect(seen).toEqual(['one 200', 'two 200', 'one cut', 'two cut'])
})
