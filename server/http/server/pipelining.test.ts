import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { varied } from '../../../tests/support/varied.ts'
import { testUpstream, listen, testRelay } from '../../relay/relay.testing.ts'

// RFC 9112 §9.3.2: requests may be sent before the answers to earlier ones are there, and answers come in their order,
// whole.

const LARGE = 20_000_000

async function start() {
  const behind = { open: 0 }
  const upstream = await listen((incoming, outgoing) => {
    behind.open++
    outgoing.on('close', () => behind.open--).on('error', () => {})
    if (incoming.url === '/large')
      return void outgoing.writeHead(200, { 'content-length': LARGE }).end(Buffer.alloc(LARGE, 'x'))
    outgoing
      .writeHead(200, { 'content-type': incoming.url === '/feed' ? 'text/event-stream' : 'text/plain' })
      .write('begun')
    if (incoming.url === '/slow') setTimeout(() => outgoing.end(' and ended'), 400)
  })
  upstream.server.on('upgrade', (_incoming, socket) =>
    socket
      .resume()
      .on('error', () => {})
      .on('end', () => socket.end())
      .write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  )
  const relay = testRelay([testUpstream(upstream.origin, { websocket: true })])
  const app = await startApp({ relay })
  onTestFinished(async () => {
    await app.close()
    await relay.close()
    await upstream.close()
  })
  return { app, behind }
}

const head = (line: string, ...headers: string[]) =>
  [line, 'Host: porch.example', `Cookie: ${SIGNED_IN}`, 'Sec-Fetch-Site: same-origin', ...headers, '', ''].join('\r\n')
const get = (path: string) => head(`GET /api/notes/${path} HTTP/1.1`)
const upgrade = (path: string) =>
  head(
    `GET ${path} HTTP/1.1`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Origin: http://porch.example',
  )
const SLOW = '200 begun and ended'

/** The answers in what a client has received: status and body, which for one that is not whole yet ends with "…". */
function answersIn(received: string): string[] {
  const answers: string[] = []
  for (let rest = received; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n')
    const top = rest.slice(0, end)
    rest = rest.slice(end + 4)
    const status = /^HTTP\/1\.1 (\d{3})/.exec(top)?.[1] ?? `not an answer: ${JSON.stringify(top.slice(0, 50))}`
    const length = /^content-length: (\d+)/im.exec(top)?.[1]
    let body = ''
    if (length !== undefined) {
      body = rest.slice(0, Number(length))
      rest = rest.slice(Number(length))
      if (body.length < Number(length)) body += '…'
    } else if (/^transfer-encoding: chunked/im.test(top)) {
      for (;;) {
        const chunk = /^([\da-f]+)\r\n/i.exec(rest)
        if (chunk === null) {
          body += '…'
          break
        }
        const size = Number.parseInt(chunk[1] ?? '', 16)
        body += rest.slice(chunk[0].length, chunk[0].length + size)
        rest = rest.slice(chunk[0].length + size + 2)
        if (size === 0) break
      }
    }
    answers.push(status.startsWith('2') ? `${status} ${body.length > 100 ? body.length : body}` : status)
  }
  return answers
}

function client(port: number): { socket: Socket; answers: () => string[] } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  onTestFinished(() => void socket.destroy())
  return { socket, answers: () => answersIn(Buffer.concat(chunks).toString('latin1')) }
}

const REFUSED: [string, string, string, boolean][] = [
  ['CONNECT', head('CONNECT a:1 HTTP/1.1'), '405', true],
  ['CONNECT with bytes behind it', head('CONNECT a:1 HTTP/1.1') + 'x'.repeat(70_000), '405', true],
  ['what is not HTTP', '\u0016\u0003\u0001 nothing\r\n\r\n', '400', true],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400', true],
  ['two lengths', head('POST /auth/echo HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'), '400', true],
  ['headers that are too large', head('GET / HTTP/1.1', `X-Large: ${'x'.repeat(70_000)}`), '431', true],
  [
    'a body with a broken chunk',
    `${head('POST /auth/echo HTTP/1.1', 'Origin: http://porch.example', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`,
    '400',
    true,
  ],
  ['an upgrade for a path that nobody has', upgrade('/auth/nothing'), '404', false],
  ['an upgrade that would be granted', upgrade('/api/notes/slow'), SLOW, false],
  ['an upgrade for another host', upgrade('/').replace('porch.example', 'other.example'), '421', false],
]

test.each(REFUSED)('%s behind an answer under way waits for its end', async (_what, bytes, answer, ends) => {
  const { app } = await start()
  const { socket, answers } = client(app.port)
  socket.write(get('slow') + bytes, 'latin1')
  await expect.poll(answers, { timeout: 5000 }).toEqual([SLOW, answer])
  if (ends) await expect.poll(() => socket.readableEnded).toBe(true)
})

test.each(varied([...REFUSED.slice(0, 3), ...REFUSED.slice(8, 9)], REFUSED))(
  '%s behind several, one of them large, waits for all',
  async (_what, bytes, answer) => {
    const { app } = await start()
    const { socket, answers } = client(app.port)
    socket.write(get('slow') + get('large') + get('slow'), 'latin1')
    await wait(50)
    socket.write(bytes, 'latin1')
    await expect.poll(answers, { timeout: 10_000, interval: 200 }).toEqual([SLOW, `200 ${LARGE}`, SLOW, answer])
  },
)

test('CONNECT that comes in the middle of a large answer, which its client reads slowly, does not stop it', async () => {
  const { app } = await start()
  const { socket, answers } = client(app.port)
  socket.write(get('large'))
  await once(socket, 'data')
  socket.pause().write(head('CONNECT a:1 HTTP/1.1'))
  await wait(300)
  socket.resume()
  await expect.poll(answers, { timeout: 10_000 }).toEqual([`200 ${LARGE}`, '405'])
})

test('a client that ends its side behind CONNECT gets what it asked for before', async () => {
  const { app } = await start()
  const { socket, answers } = client(app.port)
  socket.end(get('slow') + head('CONNECT a:1 HTTP/1.1'))
  await once(socket, 'end')
  expect(answers()).toEqual([SLOW, '405'])
})

test.each([
  ['CONNECT', head('CONNECT a:1 HTTP/1.1')],
  ['what is not HTTP', '\u0016\u0003 nothing\r\n\r\n'],
])('a client that leaves behind %s leaves nothing open', async (_what, bytes) => {
  const { app, behind } = await start()
  const { socket } = client(app.port)
  socket.write(get('feed') + get('feed') + bytes, 'latin1')
  await expect.poll(() => behind.open).toBe(2)
  socket.destroy()
  await expect.poll(() => behind.open, { timeout: 9000 }).toBe(0)
})

test('a request gets one response, though its body turns out broken after that', async () => {
  const { app } = await start()
  const { socket, answers } = client(app.port)
  socket.write(`${head('POST /nowhere HTTP/1.1', 'Transfer-Encoding: chunked')}`)
  await once(socket, 'data')
  socket.write('zz\r\n')
  await expect.poll(() => socket.readableEnded).toBe(true)
  expect(answers()).toEqual(['405'])
})

test('a WebSocket may follow whole answers on one connection', async () => {
  const { app } = await start()
  const { socket, answers } = client(app.port)
  for (let i = 1; i <= 3; i++) {
    socket.write(get('slow'))
    await expect.poll(answers).toEqual(Array(i).fill(SLOW))
  }
  socket.write(upgrade('/api/notes/live'))
  await expect.poll(answers).toEqual([SLOW, SLOW, SLOW, '101'])
})
