import { once } from 'node:events'
import { get } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALMA } from '../support/provider.ts'
import { type ProviderStage, providerStage } from '../support/provider-stage.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, stopAll } from '../support/server.ts'

let upstream: RecordingUpstream
let stage: ProviderStage
let scrape: () => Promise<string>
beforeAll(async () => {
  upstream = await startRecordingUpstream()
  const [metrics, nobody] = [await freePort(), await freePort()]
  stage = await providerStage(
    { main: {} },
    {
      METRICS_PORT: String(metrics),
      UPSTREAMS: JSON.stringify([
        { name: 'orders', target: upstream.origin },
        { name: 'gone', target: `http://127.0.0.1:${nobody}` },
      ]),
    },
  )
  scrape = async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
})
afterAll(async () => {
  await stopAll()
  await Promise.all([stage.stop(), upstream.stop()])
})

test('metrics tell versions, sessions, streams, upstreams, providers, the store and refusals, without any path or person', async () => {
  const { admin } = stage
  await stage.signIn(admin.stranger(), 'main', ALMA)
  await admin.get('/api/orders/secret-path?q=secret-query')
  await admin.post('/api/orders/secret-path')
  await admin.get('/api/gone/x')
  await admin.stranger().get('/api/orders/x')
  const stream = get({
    host: '127.0.0.1',
    port: stage.server.port,
    path: '/api/orders/stream',
    headers: { host: new URL(stage.origin).host, cookie: admin.jar.header() ?? '', 'sec-fetch-site': 'same-origin' },
  })
  await once(stream, 'response')
  const text = await scrape()
  const value = (series: string) => {
    const line = text.split('\n').find(one => one.startsWith(`porchlight_${series} `))
    return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  expect(text).toMatch(/^porchlight_build_info\{version="\d+\.\d+\.\d+",node="v\d+[^"]*"\} 1$/m)
  expect(value('ready')).toBe(1)
  expect(value('sessions_live')).toBe(2)
  expect(value('streams_open{kind="events"}')).toBe(1)
  const requests = (upstreamName: string, method: string, outcome: string) =>
    value(`upstream_requests_total{upstream="${upstreamName}",method="${method}",outcome="${outcome}"}`)
  expect(requests('orders', 'read', '2xx')).toBe(2)
  expect(requests('orders', 'write', '2xx')).toBe(1)
  expect(requests('gone', 'read', 'upstream_unreachable')).toBe(1)
  expect(value('upstream_response_seconds_count{upstream="orders"}')).toBe(3)
  expect(value('problems_total{code="upstream_unreachable"}')).toBe(1)
  expect(value('problems_total{code="not_signed_in"}')).toBe(1)
  expect(value('provider_up{provider="main"}')).toBe(1)
  expect(value('provider_consecutive_failures{provider="main"}')).toBe(0)
  expect(value('provider_backoff_seconds{provider="main"}')).toBe(0)
  for (const operation of ['discovery', 'token', 'keys'])
    expect(text).toMatch(
      new RegExp(
        `^porchlight_provider_call_seconds_count\\{provider="main",operation="${operation}",outcome="2xx"\\}`,
        'm',
      ),
    )
  for (const positive of ['store_commit_seconds_count', 'store_database_bytes', 'data_free_bytes'])
    expect(value(positive), positive).toBeGreaterThan(0)
  expect(value('password_hashes_waiting')).toBe(0)
  expect(value('signing_key_rotation_overdue')).toBe(0)
  expect(text).toMatch(/^porchlight_nodejs_eventloop_lag_seconds /m)
  expect(text).not.toMatch(/secret-|alma|example\.org|127\.0\.0\.1/i)
  stream.destroy()
})
