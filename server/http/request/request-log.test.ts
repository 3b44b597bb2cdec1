import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { ADA, CONFIG, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import type { Meter } from '../../base/meter.ts'
import type { RequestContext } from './request-context.ts'
import { requestLog } from './request-log.ts'
import { SITE_CONTEXT, type SiteContext } from '../../contract/site-context.ts'
import { testUpstream, listen, testRelay } from '../../relay/relay.testing.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(trustedProxies: string[] = []) {
  let asked: () => void = () => {}
  const upstream = await listen((incoming, outgoing) => {
    if (incoming.url === '/never') return asked()
    outgoing.writeHead(200).write('half')
    if (incoming.url === '/whole') outgoing.end()
  })
  const relay = testRelay([testUpstream(upstream.origin)])
  const app = await startApp({ relay, config: { ...CONFIG, trustedProxies } })
  closing.push(upstream.close, () => relay.close(), app.close)
  const line = (path: string) =>
    app.log.lines.find(({ message, path: logged }) => message === 'request' && logged === path)
  const send = (path: string, headers: Record<string, string> = {}) =>
    request({ port: app.port, path, agent: false, headers: { host: 'porch.example', cookie: SIGNED_IN, ...headers } })
      .on('error', () => {})
      .end()
  return {
    line,
    send,
    reached: new Promise<void>(resolve => {
      asked = resolve
    }),
  }
}

test('a request whose client leaves before any answer is logged as aborted, with no status: nobody was given one', async () => {
  const { line, send, reached } = await start()
  const leaver = send('/api/notes/never')
  await reached
  leaver.destroy()
  await expect.poll(() => line('/api/notes/never')).toMatchObject({ level: 'info', aborted: true, family: 'api' })
  expect(line('/api/notes/never')?.status).toBeUndefined()
})

test('a request whose client leaves in the middle of the response keeps its status and is logged as aborted; one that was answered is not', async () => {
  const { line, send } = await start()
  const leaver = send('/api/notes/half')
  const [half] = (await once(leaver, 'response')) as [IncomingMessage]
  await once(half, 'data')
  leaver.destroy()
  await expect.poll(() => line('/api/notes/half')).toMatchObject({ status: 200, aborted: true })

  const [whole] = (await once(send('/api/notes/whole'), 'response')) as [IncomingMessage]
  await whole.toArray()
  await expect.poll(() => line('/api/notes/whole')).toMatchObject({ status: 200 })
  expect(line('/api/notes/whole')?.aborted).toBeUndefined()
})

test("ASVS 16.2.1 a request line has the client's network: behind a trusted proxy what that says, else the connection's, and also when the client is gone", async () => {
  const behind = await start(['127.0.0.1', '::1', '::ffff:127.0.0.1'])
  behind.send('/api/notes/whole', { 'x-forwarded-for': '198.51.100.7' })
  await expect.poll(() => behind.line('/api/notes/whole')).toMatchObject({ network: '198.51.100.7' })

  const direct = await start()
  direct.send('/api/notes/whole', { 'x-forwarded-for': '198.51.100.7' })
  await expect.poll(() => direct.line('/api/notes/whole')?.network).toMatch(/^(127\.0\.0\.1|::1)$/)
  const leaver = direct.send('/api/notes/never')
  await direct.reached
  leaver.destroy()
  await expect.poll(() => direct.line('/api/notes/never')?.network).toMatch(/^(127\.0\.0\.1|::1)$/)
})

test('ASVS 16.3.2 what somebody may not do is one line with who and whence; what another site tries in their name too', async () => {
  const app = await startApp({
    relay: testRelay([
      testUpstream('http://127.0.0.1:9', { requires: { signedIn: true, roles: ['user'], maxAgeMs: null, acr: null } }),
    ]),
  })
  closing.push(app.close)
  const denials = () => app.log.lines.filter(({ event }) => event === 'access_denied')
  const { headers } = await app.ask('/api/notes/x', { headers: { cookie: SIGNED_IN } })
  expect(denials()).toEqual([
    expect.objectContaining({
      level: 'warn',
      outcome: 'denied',
      reason: 'forbidden',
      accountId: ADA.id,
      requestId: headers['x-request-id'],
    }),
  ])
  await app.ask('/auth/echo', {
    method: 'POST',
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  })
  expect(denials()[1]).toMatchObject({ reason: 'cross_origin' })
})

test('ASVS 16.5.1 what breaks while a page renders is logged under the id that its answer carries, and the answer does not hold it', async () => {
  const app = await startApp({
    site: {
      built: { root: '/nowhere', files: [] },
      development: null,
      listener: async () => (incoming, outgoing) => {
        ;(incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]?.report(
          new Error('no such table: lanterns'),
        )
        outgoing.writeHead(500, { 'content-type': 'text/html' }).end('<!doctype html><h1>Something went wrong</h1>')
      },
    },
  })
  closing.push(app.close)
  const { status, headers, body } = await app.ask('/account')
  expect(status).toBe(500)
  expect(body).not.toContain('lanterns')
  expect(app.log.lines.find(({ level }) => level === 'error')).toMatchObject({
    requestId: headers['x-request-id'],
    path: '/account',
    error: { message: 'no such table: lanterns' },
  })
})

test('statuses that no standard knows are measured as their class, and problems are counted by their code', () => {
  const seen: unknown[] = []
  const meter: Meter = {
    gauge() {},
    count: (name, labels) => void seen.push([name, labels]),
    observe: (name, _seconds, labels) => void seen.push([name, labels]),
  }
  const done = requestLog({ log: createLog('silent'), meter, clock: systemClock })
  const ctx = { id: 'r', method: 'GET', path: '/', family: 'api', startedAt: 0, client: { network: '192.0.2.1' } }
  done({ ...ctx, problem: null } as unknown as RequestContext, 299, true)
  done({ ...ctx, problem: 'slow_down' } as unknown as RequestContext, 429, true)
  expect(seen).toEqual([
    ['request_seconds', { family: 'api', status: '2xx' }],
    ['request_seconds', { family: 'api', status: '429' }],
    ['problems_total', { code: 'slow_down' }],
  ])
})
