import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { GRANT, PUBLIC_URL, type Running, startApp } from '../../../tests/support/app.ts'
import { testRelay, testUpstream } from '../../relay/relay.testing.ts'

let app: Running
afterEach(() => app.close())

type Middleware = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown

/** A server whose middleware runs before ours. */
async function startAfter(middleware: Middleware, changes: Parameters<typeof startApp>[0] = {}): Promise<void> {
  app = await startApp(changes, handle => async (incoming, outgoing) => {
    await middleware(incoming, outgoing)
    handle(incoming, outgoing)
  })
}

/** As the hook of many Express middlewares does it: loggers, sessions, compression. */
function onHeaders(outgoing: ServerResponse, listener: (outgoing: ServerResponse) => void): void {
  const before = outgoing.writeHead.bind(outgoing) as (status: number) => ServerResponse
  outgoing.writeHead = ((status: number, ...rest: unknown[]) => {
    if (rest.length > 0) throw new Error('this hook takes headers only as they were set')
    outgoing.statusCode = status
    listener(outgoing)
    return before(outgoing.statusCode)
  }) as ServerResponse['writeHead']
}

const DUE = { cookie: 'porchlight-access=due' }
const FORM = { 'content-type': 'text/plain', origin: PUBLIC_URL }

describe('after a middleware that waits for the headers', () => {
  test.each([
    ['JSON', '/auth/session', 200],
    ['a page', '/', 200],
    ['an error', '/auth/nothing', 404],
    ['a redirect', '/.well-known/change-password', 303],
  ])('HD-12 keeps our headers and cookies: %s', async (_title, path, status) => {
    let heard = 0
    await startAfter((_incoming, outgoing) => {
      onHeaders(outgoing, () => heard++)
      onHeaders(outgoing, response => response.setHeader('X-Response-Time', '1ms'))
    })
    const answered = await app.ask(path, { headers: { ...DUE, accept: 'text/html' } })
    expect([answered.status, heard]).toEqual([status, 1])
    expect(answered.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'private, no-store',
      'x-response-time': '1ms',
    })
    expect(answered.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    if (path !== '/.well-known/change-password') expect(answered.headers['set-cookie']).toEqual(GRANT.cookies)
  })

  test('a header that cannot be sent is still a 500 of ours', async () => {
    await startAfter((_incoming, outgoing) => onHeaders(outgoing, () => {}))
    const answered = await app.ask('/auth/bad-header', { headers: { cookie: 'porchlight-access=good' } })
    expect([answered.status, answered.headers['x-content-type-options']]).toEqual([500, 'nosniff'])
  })
})

test('BBA-12 what a middleware allowed other origins does not hold for us', async () => {
  await startAfter((_incoming, outgoing) => {
    outgoing.setHeader('Access-Control-Allow-Origin', 'https://evil.example')
    outgoing.setHeader('access-control-allow-credentials', 'true')
    outgoing.setHeader('X-Powered-By', 'Express')
    outgoing.setHeader('X-Of-Mine', 'kept')
  })
  const { headers } = await app.ask('/', { headers: DUE })
  expect(Object.keys(headers).filter(name => /^access-control|powered/.test(name))).toEqual([])
  expect(headers['x-of-mine']).toBe('kept')
})

describe('a body that a middleware has read', () => {
  const parser: Middleware = incoming => new Promise(resolve => incoming.resume().on('end', resolve))

  test.each([
    ['a form of ours', '/auth/echo'],
    ['a call of an upstream', '/api/notes'],
  ])('is missed at once, with the reason in the log: %s', async (_title, path) => {
    await startAfter(parser, { relay: testRelay([testUpstream('http://127.0.0.1:9')]) })
    const answered = await app.ask(path, {
      method: 'POST',
      headers: { ...FORM, cookie: 'porchlight-access=good' },
      body: 'x',
    })
    expect([answered.status, (answered.json() as { code: string }).code]).toEqual([500, 'internal'])
    expect(app.log.lines.some(({ error }) => /body was read/.test(String(error)))).toBe(true)
  })

  test('is not missed where there was none', async () => {
    await startAfter(parser)
    expect((await app.ask('/auth/session')).status).toBe(200)
  })
})

test('a response that a middleware has begun is left to it', async () => {
  await startAfter((_incoming, outgoing) => void outgoing.writeHead(200, { 'X-Of-Mine': 'kept' }).end('mine'))
  const answered = await app.ask('/auth/session', { headers: DUE })
  expect([answered.status, answered.body, answered.headers['x-of-mine']]).toEqual([200, 'mine', 'kept'])
  expect(app.sessions.asked).toEqual([])
})
