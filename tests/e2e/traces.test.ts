import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { setUp } from '../support/people.ts'
import { ALMA } from '../support/provider.ts'
import { type ProviderStage, providerStage } from '../support/provider-stage.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, startServer, stopAll } from '../support/server.ts'

const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const traceparent = (flags: string) => `00-${PARENT.trace}-${PARENT.span}-${flags}`

let receiver: OtlpReceiver
let upstream: RecordingUpstream
const upstreams = () => JSON.stringify([{ name: 'orders', target: upstream.origin }])

beforeAll(async () => {
  receiver = await startOtlpReceiver()
  upstream = await startRecordingUpstream()
})
afterAll(async () => {
  await stopAll()
  await Promise.all([receiver.stop(), upstream.stop()])
})

/** The spans of a trace that has at least so many of them. The first ends about last, and two batches may divide them. */
async function traceWith(first: (span: ReceivedSpan) => boolean, count = 1): Promise<ReceivedSpan[]> {
  const found = () => {
    const { traceId } = receiver.spans.find(first) ?? { traceId: '' }
    return receiver.spans.filter(span => span.traceId === traceId)
  }
  await expect.poll(() => found().length).toBeGreaterThanOrEqual(count)
  return found()
}

const withId = (id: unknown) => (span: ReceivedSpan) => span.attributes['porchlight.request_id'] === id

function treeOf(spans: ReceivedSpan[]): [string, string | null][] {
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]))
  return spans
    .toSorted((a, b) => Number(a.startNanos - b.startNanos))
    .map(({ name, parentSpanId }) => [name, parentSpanId === null ? null : (nameOf.get(parentSpanId) ?? parentSpanId)])
}

describe('traces', () => {
  let stage: ProviderStage
  beforeAll(async () => {
    stage = await providerStage(
      { main: {} },
      { TRACES_URL: receiver.url, TRACES_HEADERS: 'api-key=secret-key', UPSTREAMS: upstreams() },
    )
  })
  afterAll(() => stage.stop())

  test('a relayed call is a request, what its cookies lead to and the call, each within its parent; the API continues the trace', async () => {
    await stage.admin.get('/api/orders/first')
    const { headers } = await stage.admin.get('/api/orders/secret-path?q=secret-query')
    const spans = await traceWith(withId(headers['x-request-id']), 3)
    expect(treeOf(spans)).toEqual([
      ['GET /api/orders/*', null],
      ['session resolve', 'GET /api/orders/*'],
      ['relay orders', 'GET /api/orders/*'],
    ])
    const [request, session, relay] = spans.toSorted((a, b) => Number(a.startNanos - b.startNanos))
    expect(request).toMatchObject({
      kind: 2,
      isError: false,
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/api/orders/*',
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'server.address': 'localhost',
        'porchlight.family': 'api',
      },
    })
    expect(session?.attributes).toEqual({
      'porchlight.session.state': 'live',
      'porchlight.session.cookies_issued': false,
    })
    expect(relay).toMatchObject({
      kind: 3,
      attributes: { 'peer.service': 'orders', 'porchlight.operation': 'relay', 'http.response.status_code': 200 },
    })
    for (const span of spans) {
      expect(span.startNanos).toBeGreaterThanOrEqual(request?.startNanos ?? 0n)
      expect(span.endNanos).toBeGreaterThan(span.startNanos)
    }
    expect(upstream.requests.at(-1)?.headers['traceparent']).toBe(`00-${relay?.traceId}-${relay?.spanId}-01`)
    expect(stage.server.output).toContain(`"traceId":"${request?.traceId}"`)
  })

  test('a sign-in at a provider is a trace with the store and the calls to the provider, by their routes', async () => {
    await stage.signIn(stage.admin.stranger(), 'main', ALMA)
    const spans = await traceWith(({ name }) => name === 'GET /auth/callback/:provider')
    const names = spans.map(({ name }) => name)
    expect(names).toContain('provider main token')
    expect(names).toContain('session open')
    expect(names.some(name => name.startsWith('store identities.'))).toBe(true)
    const open = spans.find(({ name }) => name === 'session open')
    expect(spans.find(({ name }) => name === 'store sessions.insert')?.parentSpanId).toBe(open?.spanId)
  })

  test('a page is one trace with the calls that it makes while it renders, and health checks and assets are none', async () => {
    const { headers } = await stage.admin.page('/account')
    const spans = await traceWith(withId(headers['x-request-id']))
    expect(treeOf(spans)[0]).toEqual(['GET /account', null])
    await stage.admin.get('/healthz')
    await stage.admin.get('/readyz')
    const { headers: later } = await stage.admin.get('/auth/session')
    await traceWith(withId(later['x-request-id']))
    expect(receiver.spans.filter(({ name }) => /healthz|readyz|touch/.test(name))).toEqual([])
  })

  test('an upstream that fails is an error of the call and of the request, by its problem code', async () => {
    await upstream.stop()
    const { status, headers } = await stage.admin.get('/api/orders/x')
    expect(status).toBe(502)
    const spans = await traceWith(withId(headers['x-request-id']))
    expect(
      spans.filter(({ isError }) => isError).map(({ name, attributes }) => [name, attributes['error.type']]),
    ).toEqual(
      expect.arrayContaining([
        ['relay orders', 'upstream_unreachable'],
        ['GET /api/orders/*', 'upstream_unreachable'],
      ]),
    )
    upstream = await startRecordingUpstream()
  })

  test('W3C Trace Context: a client cannot choose the trace or that it is recorded: its own is only linked, and the API sees ours', async () => {
    const { headers } = await stage.admin.get('/auth/session', { traceparent: traceparent('01'), tracestate: 'a=b' })
    const spans = await traceWith(withId(headers['x-request-id']))
    const request = spans.find(withId(headers['x-request-id']))
    expect(request?.traceId).not.toBe(PARENT.trace)
    expect(request?.links).toEqual([{ traceId: PARENT.trace, spanId: PARENT.span }])
    expect(request?.traceState).toBeNull()
  })

  test('nobody and no secret is in any span, and the headers of the receiver reach only it', () => {
    expect(receiver.bodies.length).toBeGreaterThan(0)
    expect(receiver.bodies.join('\n')).not.toMatch(/secret-|\b(?:alma|ada)\b|@|127\.0\.0\.1|Mozilla|code=|state=/i)
    expect(receiver.headers.every(headers => headers['api-key'] === 'secret-key')).toBe(true)
    expect(stage.server.output).not.toContain('secret-key')
    expect(receiver.resource).toMatchObject({ 'service.name': 'porchlight' })
  })
})

test('W3C Trace Context: with tracesContinue, a trusted proxy’s trace goes on, with its state and its decision; a stranger’s does not', async () => {
  const behind = await startServer({
    settings: {
      TRACES_URL: receiver.url,
      TRACES_CONTINUE: 'true',
      TRACES_RATIO: '0',
      TRUSTED_PROXIES: '127.0.0.1',
      UPSTREAMS: upstreams(),
    },
  })
  const { browser } = await setUp(behind.origin)
  const before = receiver.spans.length
  await browser.get('/api/orders/x', { traceparent: traceparent('01'), tracestate: 'vendor=opaque' })
  const spans = await traceWith(({ name, traceId }) => name === 'GET /api/orders/*' && traceId === PARENT.trace, 4)
  const request = spans.find(({ name }) => name === 'GET /api/orders/*')
  expect(request).toMatchObject({ parentSpanId: PARENT.span, traceState: 'vendor=opaque', links: [] })
  const sent = upstream.requests.at(-1)?.headers
  expect(sent?.['traceparent']).toBe(
    `00-${PARENT.trace}-${spans.find(({ name }) => name === 'relay orders')?.spanId}-01`,
  )
  expect(sent?.['tracestate']).toBe('vendor=opaque')

  await browser.get('/api/orders/x', { traceparent: traceparent('00') })
  expect(upstream.requests.at(-1)?.headers['traceparent']).toMatch(new RegExp(`^00-${PARENT.trace}-[\\da-f]{16}-00$`))
  await browser.get('/api/orders/x')
  expect(upstream.requests.at(-1)?.headers['traceparent']).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
  await behind.stop()
  expect(receiver.spans.length - before).toBe(spans.length)
})

test('while traces are off, the context that a client sends passes to the API as it is', async () => {
  const off = await startServer({ settings: { UPSTREAMS: upstreams() } })
  const { browser } = await setUp(off.origin)
  await browser.get('/api/orders/x', { traceparent: traceparent('01') })
  expect(upstream.requests.at(-1)?.headers['traceparent']).toBe(traceparent('01'))
})

test('a receiver that is down, slow or refuses harms no request; what is lost is counted, and told once', async () => {
  const [metrics, nobody] = [await freePort(), await freePort()]
  const server = await startServer({
    settings: { TRACES_URL: `http://127.0.0.1:${nobody}`, METRICS_PORT: String(metrics), UPSTREAMS: upstreams() },
  })
  const { browser } = await setUp(server.origin)
  for (let i = 0; i < 20; i++) expect((await browser.get('/api/orders/x')).status).toBe(200)
  await expect.poll(() => server.output).toContain('traces_export_failed')
  expect(server.output.match(/traces_export_failed/g)).toHaveLength(1)
  expect(await server.stop()).toBe(0)
})
