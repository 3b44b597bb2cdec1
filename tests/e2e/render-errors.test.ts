import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'

afterAll(stopAll)

/** pino's. */
const ERROR = 50

/** Every line of the server's output from here on; a line that is not of the log is kept as it is. */
function linesOf(server: Server) {
  const before = server.output.length
  return () => server.output.slice(before).split('\n').filter(line => line !== '').map((line) => {
    try {
      return JSON.parse(line) as { level: number, msg: string, requestId: string, path: string, error?: { message: string } }
    }
    catch {
      return line
    }
  })
}

test('ASVS 16.5.1 a component that throws while rendering: a page that says nothing of it, one line in the log with the id of the answer, and nothing beside the log', async () => {
  // What shows when something was is the only part of the pages that asks for this; from now on it throws there, and nowhere else.
  const broken = join(temporaryFolder(), 'broken.mjs')
  writeFileSync(broken, 'Intl.RelativeTimeFormat = class { constructor() { throw new Error("no such table: lanterns") } }')
  const server = await startServer({ environment: { NODE_OPTIONS: `--import ${pathToFileURL(broken).href}` } })
  const { browser } = await setUp(server.origin)
  const lines = linesOf(server)

  const answer = await browser.page('/account/sessions')
  expect(answer.status).toBe(500)
  expect(answer.headers['content-type']).toMatch(/^text\/html/)
  expect(answer.text).not.toMatch(/lanterns|RelativeTimeFormat|\.mjs/)
  expect(answer.text).not.toContain(broken)

  await waitUntil(() => lines().some(line => typeof line === 'object' && line.msg === 'request' && line.path === '/account/sessions'), 'the request to be logged; the server wrote:\n', () => server.output)
  expect(lines().filter(line => typeof line === 'string')).toEqual([])
  const errors = lines().filter(line => typeof line === 'object' && line.level >= ERROR)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ requestId: answer.headers['x-request-id'], path: '/account/sessions', error: { message: 'no such table: lanterns' } })

  // What can be rendered still is.
  expect((await browser.page('/account')).status).toBe(200)
})
