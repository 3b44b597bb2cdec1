import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
import { SIGNED_IN, startApp, type Running } from '../../../tests/support/app.ts'
import type { Env } from '../request/hono-env.ts'

let app: Running
afterEach(() => app.close())

const sameOrigin = { cookie: SIGNED_IN, 'sec-fetch-site': 'same-origin' }
let written = 0
const routes = () =>
  new Hono<Env>()
    .patch('/user', c => c.json({ n: ++written }))
    .post('/logout', c => c.json({}))
    .delete('/sessions', c => c.json({}))
    .get('/session', c => c.json({}))

test('an account that changes its name in a loop writes sixty times, then is told to slow down; reading, signing out and ending sessions go on', async () => {
  written = 0
  app = await startApp({ authRoutes: routes() })
  const patch = () => app.ask('/auth/user', { method: 'PATCH', headers: sameOrigin })
  const answers = await Promise.all(Array.from({ length: 100 }, patch))
  expect(written).toBeLessThanOrEqual(62)
  const refused = answers.find(({ status }) => status === 429)
  expect(refused?.json()).toMatchObject({ code: 'slow_down', retryAfter: 1 })
  expect(refused?.headers['retry-after']).toBe('1')
  expect((await app.ask('/auth/session', { headers: { cookie: SIGNED_IN } })).status).toBe(200)
  expect((await app.ask('/auth/sessions', { method: 'DELETE', headers: sameOrigin })).status).toBe(200)
  expect((await app.ask('/auth/logout', { method: 'POST', headers: sameOrigin })).status).toBe(200)
  expect(
    (await app.ask('/auth/user', { method: 'PATCH', headers: { 'sec-fetch-site': 'same-origin' } })).status,
    'strangers are slowed elsewhere',
  ).not.toBe(429)
})
