import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { CONFIG, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { systemClock } from '../../base/clock.ts'
import { noMeter } from '../../base/meter.ts'
import { SITE_CONTEXT, type SiteContext } from '../../contract/site-context.ts'
import type { Span } from '../../ops/tracing/span.ts'
import { traceCalls } from '../../ops/tracing/trace-calls.ts'
import { createTracer, type Tracer } from '../../ops/tracing/tracer.ts'
import type { Relay } from '../../relay/relay.ts'
import { listen, testRelay, testUpstream } from '../../relay/relay.testing.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const CLAIMED = { traceparent: `00-${PARENT.trace}-${PARENT.span}-01`, tracestate: 'a=b' }
const TRACES = { url: 'http://127.0.0.1:1/v1/traces', headers: [], ratio: 1, continues: false }

function tracedRelay(origin: string, tracer: Tracer): Relay {
  const observer = traceCalls(tracer, 'upstream')
  return testRelay([testUpstream(origin, { websocket: true })], undefined, undefined, undefined, undefined, observer)
}

/** @param inPage what the site's code does with the request that it gets */
async function start({
  ratio = 1,
  continues = false,
  trustedProxies = [] as string[],
  inPage = async (_headers: NodeJS.Dict<string | string[]>, _context: SiteContext) => {},
} = {}) {
  const spans: Span[] = []
  const tracer = createTracer({ clock: systemClock, meter: noMeter, ratio, take: span => void spans.push(span) })
  const heard: NodeJS.Dict<string | string[]>[] = []
  const upstream = await listen((incoming, outgoing) => {
    heard.push(incoming.headers)
    outgoing.end('{}')
  })
  const relay = tracedRelay(upstream.origin, tracer)
  const app = await startApp({
    tracer,
    relay,
    config: { ...CONFIG, trustedProxies, traces: { ...TRACES, ratio, continues } },
    site: {
      built: { root: '/nowhere', files: [] },
      development: null,
      listener: async () => async (incoming, outgoing) => {
        const context = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]
        if (context !== undefined) await inPage(incoming.headers, context)
        outgoing.end('<!doctype html>')
      },
    },
  })
  closing.push(upstream.close, () => relay.close(), app.close)
  const ended = async (name: string) => {
    await expect.poll(() => spans.find(span => span.name === name)).toBeDefined()
    return spans.find(span => span.name === name) as Span
  }
  return { ...app, spans, heard, ended }
}

test('W3C Trace Context: only a trusted proxy’s parent is followed, and only where the proxies are said to trace', async () => {
  const ask = async (options: Parameters<typeof start>[0]) => {
    const { ask: askApp, ended, heard } = await start(options)
    await askApp('/api/notes/x', { headers: { cookie: SIGNED_IN, ...CLAIMED } })
    const { trace, parentId, link } = await ended('GET /api/notes/*')
    expect(heard[0]?.['traceparent']).toContain(trace.id)
    return {
      isFollowed: trace.id === PARENT.trace && parentId === PARENT.span,
      isLinked: link !== null,
      state: heard[0]?.['tracestate'],
    }
  }
  const trustedProxies = ['127.0.0.1', '::1', '::ffff:127.0.0.1']
  expect(await ask({ continues: true, trustedProxies })).toEqual({ isFollowed: true, isLinked: false, state: 'a=b' })
  const not = { isFollowed: false, isLinked: true, state: undefined }
  expect(await ask({ continues: false, trustedProxies })).toEqual(not)
  expect(await ask({ continues: true, trustedProxies: ['192.0.2.1'] })).toEqual(not)
})

test('a client that asks for it is not recorded beyond the ratio', async () => {
  const { ask, spans, heard } = await start({ ratio: 0 })
  await ask('/api/notes/x', { headers: { cookie: SIGNED_IN, ...CLAIMED } })
  expect(heard[0]?.['traceparent']).toMatch(/-00$/)
  expect(heard[0]?.['traceparent']).not.toContain(PARENT.trace)
  expect(spans).toEqual([])
})

test('the header is replaced in any case in which it is written', async () => {
  const { ask, heard } = await start()
  await ask('/api/notes/x', { headers: { cookie: SIGNED_IN, TraceParent: CLAIMED.traceparent, TRACESTATE: 'a=b' } })
  expect(heard[0]?.['traceparent']).not.toContain(PARENT.trace)
  expect(heard[0]).not.toHaveProperty('tracestate')
})

test('a page’s calls belong to its request, and its code continues our trace rather than the client’s', async () => {
  let seen: NodeJS.Dict<string | string[]> = {}
  const { ask, spans, ended } = await start({
    async inPage(headers, context) {
      seen = headers
      await context.fetch('/auth/session')
      await (await context.fetch('/api/notes/x')).text()
    },
  })
  await ask('/account', { headers: { cookie: SIGNED_IN, ...CLAIMED } })
  const page = await ended('GET /account')
  expect(seen['traceparent']).toBe(`00-${page.trace.id}-${page.id}-01`)
  expect(seen).not.toHaveProperty('tracestate')
  await ended('relay notes')
  const parents = Object.fromEntries(spans.map(({ name, parent }) => [name, (parent as Span | null)?.name]))
  expect(parents).toMatchObject({
    'GET /auth/session': 'GET /account',
    'GET /api/notes/*': 'GET /account',
    'relay notes': 'GET /api/notes/*',
  })
})

test('names are few: routes in place of paths, and one name for methods that nobody knows', async () => {
  const { ask, spans, ended } = await start()
  await ask('/auth/people/4f9d?code=secret')
  await ask('/no/such/page-4f9d')
  await ask('/healthz')
  await ask('/', { method: 'PROPFIND' })
  await ended('HTTP /')
  const names = spans.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['GET /auth/*', 'GET /*', 'HTTP /']))
  expect(JSON.stringify(spans.map(({ name, attributes }) => ({ name, attributes })))).not.toMatch(/4f9d|secret|healthz/)
})

test('a WebSocket is one span from the handshake to its end', async () => {
  const echo = createServer().on('upgrade', (_request, socket) => {
    socket.resume().on('end', () => socket.end())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })
  await new Promise<void>(done => echo.listen(0, '127.0.0.1', done))
  const spans: Span[] = []
  const tracer = createTracer({ clock: systemClock, meter: noMeter, ratio: 1, take: span => void spans.push(span) })
  const relay = tracedRelay(`http://127.0.0.1:${(echo.address() as AddressInfo).port}`, tracer)
  const app = await startApp({ tracer, relay, config: { ...CONFIG, traces: TRACES } })
  closing.push(
    () => void echo.close().closeAllConnections(),
    () => relay.close(),
    app.close,
  )
  const socket = connect(app.port, '127.0.0.1')
  socket.write(
    `GET /api/notes/live HTTP/1.1\r\nHost: porch.example\r\nOrigin: ${CONFIG.publicUrl}\r\nCookie: ${SIGNED_IN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1\.1 101/)
  expect(spans.map(({ name }) => name)).toEqual([])
  socket.destroy()
  await expect.poll(() => spans.map(({ name }) => name).sort()).toEqual(['GET /api/notes/*', 'upgrade notes'])
  expect(spans.every(({ attributes }) => attributes['http.response.status_code'] === 101)).toBe(true)
})
