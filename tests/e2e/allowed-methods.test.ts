import { afterAll, beforeAll, expect, test } from 'vitest'
import { CALLS } from '../../server/contract/calls/all-calls.ts'
import type { Visitor } from '../support/client.ts'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

/** The methods that are described for each path. */
const DESCRIBED = Map.groupBy(
  [...CALLS].filter(([, { caller }]) => caller !== 'tests').map(([name]) => name.split(' ') as [string, string]),
  ([, path]) => path,
)

let server: Server
let admin: Visitor

beforeAll(async () => {
  server = await startServer()
  admin = (await setUp(server.origin)).browser
})
afterAll(stopAll)

test.each([...DESCRIBED.keys()])('BBA-15 OPTIONS %s names the methods that are described, and no other', async path => {
  const methods = (DESCRIBED.get(path) ?? []).map(([method]) => method)
  if (methods.includes('GET')) methods.push('HEAD')
  const answer = await admin.ask({ method: 'OPTIONS', path: path.replaceAll(/:\w+/g, 'any') })
  expect(answer.status).toBe(405)
  expect(answer.headers.allow?.split(', ').sort()).toEqual(methods.sort())
})
