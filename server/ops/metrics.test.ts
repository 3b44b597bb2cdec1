import { get } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

const metrics = createMetrics()
let served: Awaited<ReturnType<typeof metrics.serve>>
beforeAll(async () => {
  served = await metrics.serve(0)
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

test('a port in use is reported as a sentence', async () => {
  await expect(createMetrics().serve(served.port)).rejects.toThrow(/cannot be served on port/)
})
