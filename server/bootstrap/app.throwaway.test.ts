import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeSessions, type Running, SESSION, startApp } from '../../tests/support/app.ts'

let app: Running
beforeAll(async () => {
  app = await startApp({
    sessions: {
      ...fakeSessions(),
      resolve: async () => ({ state: 'live', session: { ...SESSION, throwaway: true }, grant: null }),
    },
  })
})
afterAll(() => app.close())

const headers = { cookie: 'porchlight-refresh=x', origin: 'http://porch.example' }

test('a throwaway session may ask who is signed in', async () => {
  expect((await app.ask('/auth/session', { headers })).status).toBe(200)
})

test.each([
  ['GET', '/'],
  ['GET', '/account'],
  ['GET', '/auth/sessions'],
  ['HEAD', '/auth/session'],
  ['POST', '/auth/session'],
  ['POST', '/auth/logout'],
  ['GET', '/auth/session/'],
  ['GET', '/api/notes'],
  ['GET', '/auth/Session'],
])('and nothing else: %s %s', async (method, path) => {
  expect((await app.ask(path, { method, headers })).status).toBe(403)
})
