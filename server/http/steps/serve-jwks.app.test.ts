import { afterEach, expect, test } from 'vitest'
import { CONFIG, type Running, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { systemClock } from '../../base/clock.ts'
import { SIGNING, testSigning } from '../../keys/keys.testing.ts'

let app: Running | null = null
afterEach(() => app?.close())

test('JW-15 JW-17 upstreams fetch the keys by whatever name they know us; no cookie is looked at or set, and caches may keep them', async () => {
  const signing = testSigning(systemClock.now().wall)
  app = await startApp({ signing, config: { ...CONFIG, jwksMaxAgeMs: SIGNING.jwksMaxAgeMs } })
  for (const host of ['porch.example', '10.0.0.7:3000', 'porchlight.internal']) {
    const { status, headers, json } = await app.ask('/.well-known/jwks.json', {
      headers: { host, cookie: 'porchlight-access=due; porchlight-refresh=x' },
    })
    expect(status).toBe(200)
    expect(json()).toEqual({ keys: signing.published(systemClock.now().wall) })
    expect(headers).toMatchObject({
      'content-type': 'application/jwk-set+json',
      'cache-control': 'public, max-age=600',
    })
    expect(headers['set-cookie']).toBeUndefined()
  }
  expect(app.sessions.asked).toEqual([])
  const { etag } = (await app.ask('/.well-known/jwks.json')).headers
  const held = await app.ask('/.well-known/jwks.json', { headers: { 'if-none-match': String(etag) } })
  expect([held.status, held.body, held.headers['cache-control']]).toEqual([304, '', 'public, max-age=600'])
  expect((await app.ask('/.well-known/jwks.json', { method: 'HEAD', headers: { cookie: SIGNED_IN } })).status).toBe(200)
  expect((await app.ask('/.well-known/jwks.json', { method: 'POST' })).status).toBe(405)
})
