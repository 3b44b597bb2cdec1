import { afterEach, expect, test } from 'vitest'
import { type Running, startApp } from '../../../tests/support/app.ts'
import type { ApiDescription } from '../openapi/api-description.ts'

let app: Running | null = null
afterEach(() => app?.close())

test('GET /auth/openapi.json describes the calls to anybody; no cookie is looked at or set, and caches may keep it', async () => {
  app = await startApp()
  const first = await app.ask('/auth/openapi.json', {
    headers: { cookie: 'porchlight-access=due; porchlight-refresh=x' },
  })
  expect(first.status).toBe(200)
  expect(first.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'public, max-age=300' })
  expect(first.headers['set-cookie']).toBeUndefined()
  const { openapi, paths } = first.json() as ApiDescription
  expect(openapi).toBe('3.1.1')
  expect(paths['/auth/session']?.['get']).toMatchObject({ operationId: 'readSession' })
  expect(app.sessions.asked).toEqual([])

  const again = await app.ask('/auth/openapi.json', { headers: { 'if-none-match': String(first.headers.etag) } })
  expect([again.status, again.body]).toEqual([304, ''])
  expect((await app.ask('/auth/openapi.json', { method: 'HEAD' })).status).toBe(200)
  const posted = await app.ask('/auth/openapi.json', { method: 'POST' })
  expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD'])
  expect((await app.ask('/auth/openapi.json', { headers: { host: 'other.example' } })).status).toBe(421)
})
