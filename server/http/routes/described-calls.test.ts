import { afterEach, expect, test } from 'vitest'
import { CALLS } from '../../contract/calls/all-calls.ts'
import type { ProofRun } from '../../contract/demo/wire-proof.ts'
import { WELL_KNOWN } from '../steps/without-cookies.ts'
import { mustConform } from './conformance.testing.ts'
import { testRoutes } from './routes.testing.ts'

let services: ReturnType<typeof testRoutes> | null = null
afterEach(() => services?.close())

/** Answered before the router: by steps that read no cookie. */
const BY_STEPS = [
  'GET /healthz',
  'GET /readyz',
  'GET /auth/openapi.json',
  'POST /auth/backchannel/:provider',
  ...[...WELL_KNOWN.keys()].map(path => `GET ${path}`),
]

test('every route is described in contract/calls, and every call that is described has a route', () => {
  const proof = { run: () => Promise.reject<ProofRun>(new Error('not run')) }
  services = testRoutes({ proof, testSignIn: 'a-secret-that-only-tests-know' })
  const routes = services.routes.routes.map(({ method, path }) => `${method} /auth${path}`)
  expect([...new Set([...routes, ...BY_STEPS])].sort()).toEqual([...CALLS.keys()].sort())
})

test('names of operations are unique, and parameters of paths are described', () => {
  const ids = [...CALLS.values()].map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)])
  expect(ids.filter(id => !/^[a-z][a-zA-Z]+$/.test(id))).toEqual([])
  for (const [name, { path = {} }] of CALLS)
    expect(Object.keys(path), name).toEqual([...name.matchAll(/:(\w+)/g)].map(([, key]) => key))
})

const SESSION = { user: null, session: null }
const problem = (status: number, code: string, more = {}) =>
  Response.json({ type: 'about:blank', title: 'A problem', status, code, ...more }, { status })

test.each([
  ['another status', Response.json(SESSION, { status: 201 })],
  ['another content type', new Response(JSON.stringify(SESSION), { headers: { 'content-type': 'text/plain' } })],
  ['a field too many', Response.json({ ...SESSION, token: 'x' })],
  ['a field too few', Response.json({ user: null })],
  ['a code of another call', problem(409, 'last_admin')],
  ['a problem with a field too many', problem(500, 'internal', { stack: 'x' })],
])('the tests of routes refuse %s', async (_, response) => {
  await expect(mustConform('GET', '/auth/session', response)).rejects.toThrow()
})

test('the tests of routes accept what is described', async () => {
  await mustConform('GET', '/auth/session?x=1', Response.json(SESSION))
  await mustConform('GET', '/auth/session', problem(500, 'internal', { requestId: 'x' }))
})
