import { readdirSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer, statusOf, stopAll, waitUntil } from '../support/server.ts'
import { varied } from '../support/varied.ts'

// Whatever a client sends and however it leaves, its connection's descriptor comes back, and a signal ends the process.

const EACH = 5
/**
 * What is refused on a bare socket is gone within two seconds; one that says nothing waits for the time-out of headers.
 */
const SOON_MS = 10_000
const HEADERS_MS = 40_000
const BODY = 'x'.repeat(70_000)

let server: Server
let host: string

beforeAll(async () => {
  server = await startServer()
  host = new URL(server.origin).host
})
afterAll(stopAll)

/** What a client does once it has sent its bytes. */
type Leaving = 'closes' | 'closes its side' | 'stays and reads' | 'stays and does not read'

interface Rude {
  what: string
  bytes: () => string
  leaving: Leaving
  status: number | null
}

const head = (line: string, ...headers: string[]) => [line, `Host: ${host}`, ...headers, '', ''].join('\r\n')
const upgrade = (path: string, ...headers: string[]) =>
  head(
    `GET ${path} HTTP/1.1`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  )

const BARE: Omit<Rude, 'leaving'>[] = [
  { what: 'CONNECT', bytes: () => head('CONNECT a:1 HTTP/1.1'), status: 405 },
  { what: 'CONNECT with a body', bytes: () => head('CONNECT a:1 HTTP/1.1') + BODY, status: 405 },
  {
    what: 'CONNECT that says the length of its body',
    bytes: () => head('CONNECT a:1 HTTP/1.1', `Content-Length: ${BODY.length}`) + BODY,
    status: 405,
  },
  { what: 'a refused upgrade', bytes: () => upgrade('/api/notes/feed'), status: 403 },
  {
    what: 'a refused upgrade with bytes behind it',
    bytes: () => upgrade('/nowhere', `Origin: ${server.origin}`) + BODY,
    status: 404,
  },
  { what: 'an upgrade for another host', bytes: () => upgrade('/').replace(host, 'other.example') + BODY, status: 421 },
  { what: 'what is not HTTP', bytes: () => `\u0016\u0003\u0001${BODY}`, status: 400 },
  { what: 'HTTP/2 without asking', bytes: () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${BODY}`, status: 400 },
  { what: 'headers that are too large', bytes: () => head('GET / HTTP/1.1', `X-Large: ${BODY}`), status: 431 },
  {
    what: 'two lengths',
    bytes: () => head('POST /auth/login HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2') + BODY,
    status: 400,
  },
  {
    what: 'a broken chunk',
    bytes: () =>
      `${head('POST /auth/login HTTP/1.1', `Origin: ${server.origin}`, 'Transfer-Encoding: chunked')}zz\r\n${BODY}`,
    status: 400,
  },
]
const ORDINARY: Omit<Rude, 'leaving'>[] = [
  { what: 'another host', bytes: () => head('GET / HTTP/1.1').replace(host, 'other.example'), status: 421 },
  {
    what: 'a body that is too large',
    bytes: () => head('POST /auth/login HTTP/1.1', `Origin: ${server.origin}`, 'Content-Length: 9000000') + BODY,
    status: 413,
  },
  {
    what: 'an expectation that is refused',
    bytes: () =>
      head('POST /auth/login HTTP/1.1', `Origin: ${server.origin}`, 'Expect: 100-continue', 'Content-Length: 9000000'),
    status: 413,
  },
  {
    what: 'an expectation that nobody knows',
    bytes: () => head('POST /auth/login HTTP/1.1', 'Expect: a-miracle', 'Content-Length: 70000') + BODY,
    status: 403,
  },
  { what: 'HTTP/1.0', bytes: () => head('GET /healthz HTTP/1.0'), status: 200 },
  {
    what: 'HTTP/1.0 that asks to be kept',
    bytes: () => head('GET /healthz HTTP/1.0', 'Connection: keep-alive'),
    status: 200,
  },
  {
    what: 'a method that nobody knows',
    bytes: () => head('PROPFIND / HTTP/1.1', `Content-Length: ${BODY.length}`) + BODY,
    status: 405,
  },
]
/** Half a request, which its client never ends. */
const HALVES: Omit<Rude, 'leaving'>[] = [
  { what: 'nothing at all', bytes: () => '', status: null },
  { what: 'half a header', bytes: () => `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Ha`, status: null },
  {
    what: 'half a body',
    bytes: () => head('POST /auth/login HTTP/1.1', `Origin: ${server.origin}`, 'Content-Length: 1000') + 'x',
    status: null,
  },
]

/** Whoever closes its side gets an answer; of those who close at once, one of each kind is tried here. */
const rude: Rude[] = [BARE, ORDINARY, HALVES].flatMap(kind => [
  ...kind.map(one => ({ ...one, leaving: 'closes its side' as const })),
  ...varied(kind.slice(0, 1), kind).map(one => ({ ...one, leaving: 'closes' as const })),
])

describe('five connections of each kind leave the server as many descriptors as it had', () => {
  test.each(rude)('$what, and the client $leaving', async ({ bytes, leaving, status }) => {
    const before = sockets(server.pid)
    const clients = await five(bytes(), leaving)
    if (leaving === 'closes its side')
      await waitUntil(() => clients.every(client => client.closed()), 'the connections to end')
    await descriptorsBack(before, SOON_MS)
    // One that leaves at once may miss the answer; nobody else may.
    if (leaving === 'closes its side' && status !== null)
      expect(clients.map(client => client.answer())).toEqual(Array(EACH).fill(status))
    for (const client of clients) client.leave()
  })

  test('all that is refused on a bare socket, and the client stays and does not read', async () => {
    const before = sockets(server.pid)
    const clients = await Promise.all(BARE.map(one => five(one.bytes(), 'stays and does not read')))
    await descriptorsBack(before, SOON_MS)
    for (const client of clients.flat()) client.leave()
  })

  test('nothing at all or half a header, and the client stays', async () => {
    const before = sockets(server.pid)
    const clients = await Promise.all([
      five('', 'stays and reads'),
      five(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Ha`, 'stays and reads'),
    ])
    await descriptorsBack(before, HEADERS_MS)
    await waitUntil(() => clients.flat().every(client => client.closed()), 'the connections to end')
    expect(clients.flat().map(client => client.answer())).toEqual(Array(2 * EACH).fill(408))
    for (const client of clients.flat()) client.leave()
  })
})

test('an answer is never taken for that of an earlier request on the connection', async () => {
  const client = await misbehave(`${head('GET / HTTP/1.1')}${head('CONNECT a:1 HTTP/1.1')}`, 'closes its side')
  await waitUntil(client.closed, 'the connection to close')
  expect([null, 200]).toContain(client.answer())
})

test.each(varied(['SIGTERM'] as const, ['SIGTERM', 'SIGINT'] as const))(
  '%s ends the process in time, whatever connections there are',
  async signal => {
    const leaving = await startServer()
    host = new URL(leaving.origin).host
    const bytes = [...BARE, ...ORDINARY, ...HALVES].map(one => one.bytes())
    await Promise.all(
      bytes.flatMap(each => [
        misbehave(each, 'stays and does not read', leaving.port),
        misbehave(each, 'closes its side', leaving.port),
        misbehave(each, 'closes', leaving.port),
      ]),
    )
    const signalled = performance.now()
    expect(await leaving.stop(signal)).toBe(0)
    expect(performance.now() - signalled).toBeLessThan(20_000)
  },
)

async function five(bytes: string, leaving: Leaving) {
  const clients = await Promise.all(Array.from({ length: EACH }, () => misbehave(bytes, leaving)))
  // Connections are accepted in turn, so these are there once this one is answered.
  await statusOf(server.port, '/healthz')
  return clients
}

function descriptorsBack(before: number, withinMs: number): Promise<void> {
  return waitUntil(
    () => sockets(server.pid) <= before,
    `descriptors to come back: there were ${before}, there are `,
    () => String(sockets(server.pid)),
    withinMs,
  )
}

/** Sends the bytes once connected, then leaves in its way. */
async function misbehave(
  bytes: string,
  leaving: Leaving,
  port = server.port,
): Promise<{ answer(): number | null; closed(): boolean; leave(): void }> {
  const socket = net
    .connect({ port, host: '127.0.0.1', allowHalfOpen: leaving === 'closes its side' })
    .on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  let text = ''
  if (leaving === 'stays and does not read') socket.pause()
  else socket.on('data', chunk => (text += chunk.toString('latin1')))
  await new Promise(resolve => socket.write(bytes, 'latin1', resolve))
  if (leaving === 'closes') socket.destroy()
  if (leaving === 'closes its side') socket.end()
  return {
    answer: () => Number(/^HTTP\/1\.1 (\d+)/.exec(text.replace(/^HTTP\/1\.1 100 [^]*?\r\n\r\n/, ''))?.[1] ?? 0) || null,
    closed: () => socket.closed || socket.readableEnded,
    leave: () => socket.destroy(),
  }
}

function sockets(pid: number): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter(name => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}
