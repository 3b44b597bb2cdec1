import { get } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

const metrics = createMetrics()
let served: Awaited<ReturnType<typeof metrics.serve>>
beforeAll(async () => {
  served = await metrics.serve({ host: '127.0.0.1', port: 0 })
})
afterAll(() => served.close())

function ask(path: string, host = `127.0.0.1:${served.port}`): Promise<{ status: number | undefined; text: string }> {
  return new Promise((done, failed) => {
    get({ host: '127.0.0.1', port: served.port, path, headers: { host } }, response => {
      let text = ''
      response.on('data', data => (text += String(data))).on('end', () => done({ status: response.statusCode, text }))
    }).on('error', failed)
  })
}

test("counters appear under the product's name with their labels, next to the process metrics", async () => {
  metrics.meter.count('sign_ins_total', { outcome: 'signed_in' })
  metrics.meter.count('sign_ins_total', { outcome: 'signed_in' })
  metrics.meter.count('sessions_opened_total')
  metrics.meter.observe('request_seconds', 0.004, { family: 'auth', status: '200' })
  const { status, text } = await ask('/metrics')
  expect(status).toBe(200)
  expect(text).toContain('porchlight_sign_ins_total{outcome="signed_in"} 2')
  expect(text).toContain('porchlight_sessions_opened_total 1')
  expect(text).toContain('porchlight_request_seconds_bucket{le="0.005",family="auth",status="200"} 1')
  expect(text).toContain('porchlight_process_resident_memory_bytes')
})

test("only requests to loopback's own names are answered, and only /metrics", async () => {
  expect((await ask('/metrics', 'rebound.example')).status).toBe(421)
  expect((await ask('/metrics', `localhost:${served.port}`)).status).toBe(200)
  expect((await ask('/')).status).toBe(404)
})

test('on an address of the network, requests by any name are answered', async () => {
  const open = await createMetrics().serve({ host: '0.0.0.0', port: 0 })
  const answer = await new Promise<number | undefined>((done, failed) => {
    const headers = { host: 'porchlight.internal:9464' }
    get({ host: '127.0.0.1', port: open.port, path: '/metrics', headers, agent: false }, response => {
      response.resume()
      done(response.statusCode)
    }).on('error', failed)
  })
  expect(answer).toBe(200)
  await open.close()
  await expect(createMetrics().serve({ host: '192.0.2.1', port: 0 })).rejects.toThrow(
    /cannot be served on 192\.0\.2\.1/,
  )
})

test('a port in use is reported as a sentence', async () => {
  await expect(createMetrics().serve({ host: '127.0.0.1', port: served.port })).rejects.toThrow(
    /cannot be served on 127\.0\.0\.1, port/,
  )
})

test('a gauge is read when it is asked for, and left out when it has no value or cannot be read', async () => {
  const { meter, text } = createMetrics()
  expect(await text()).not.toMatch(/^porchlight_ready /m)
  let ready = 1
  meter.gauge('ready', () => ready)
  meter.gauge('streams_open', async () => [{ labels: { kind: 'events' }, value: 3 }])
  meter.gauge('backup_timestamp_seconds', () => null)
  meter.gauge('sessions_live', () => Promise.reject(new Error('the disk is gone')))
  expect(await text()).toMatch(/^porchlight_ready 1$/m)
  ready = 0
  const read = await text()
  expect(read).toMatch(/^porchlight_ready 0$/m)
  expect(read).toMatch(/^porchlight_streams_open\{kind="events"\} 3$/m)
  expect(read).not.toMatch(/^porchlight_(backup_timestamp_seconds|sessions_live) /m)
})

test('the list of metrics names everything in the text, with its type, help and labels', async () => {
  const { list, text } = createMetrics()
  const inText = [...(await text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${type} ${name}`)
  expect(list().map(({ name, type }) => `${type} ${name}`)).toEqual(inText)
  expect(list()).toContainEqual({
    name: 'porchlight_streams_open',
    type: 'gauge',
    help: expect.stringContaining('live connections') as string,
    labels: ['kind'],
  })
})
