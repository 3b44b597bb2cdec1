// Clients that no server wishes for, in a process of their own so that honest ones beside them are measured, not
// delayed; and the API behind the server that some of them misuse. Says the API's port, waits for an order on stdin,
// then for its end.
import { createHash } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { RudeOrder, RudeOutcome } from '../../faults/rude-clients.test.ts'

let uploaded = 0
/** WebSockets that reached the API, and those that nobody has closed yet. */
let tunnels = 0
const openTunnels = new Set<Duplex>()
const chunk = Buffer.alloc(64 * 1024, 'x')

const api = http.createServer((request, response) => {
  if (request.url === '/flood') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const flood = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', flood)
    return flood()
  }
  request.on('data', (data: Buffer) => (uploaded += data.length))
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"hello":true}'))
  request.on('error', () => response.destroy())
})
api.on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  tunnels += 1
  openTunnels.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => openTunnels.delete(socket))
  socket.on('end', () => socket.end())
  socket.resume()
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
})
api.listen(0, '127.0.0.1', () => stdout.write(`${JSON.stringify({ port: (api.address() as net.AddressInfo).port })}\n`))

const lines = createInterface(stdin)
lines.once(
  'line',
  line => void misbehave(JSON.parse(line) as RudeOrder).then(outcome => stdout.write(`${JSON.stringify(outcome)}\n`)),
)
lines.on('close', () => process.exit(0))

async function misbehave(order: RudeOrder): Promise<RudeOutcome> {
  const { port, host, origin, cookie } = order
  const head = (method: string, path: string, more: string[] = []) =>
    [
      `${method} ${path} HTTP/1.1`,
      `Host: ${host}`,
      `Origin: ${origin}`,
      'Sec-Fetch-Site: same-origin',
      `Cookie: ${cookie}`,
      ...more,
      '',
      '',
    ].join('\r\n')
  const json = 'Content-Type: application/json'
  const sockets = new Set<net.Socket>()

  function dial(): net.Socket {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    sockets.add(socket)
    return socket
  }

  function drip(first: string, rest: string): void {
    const socket = dial()
    socket.resume()
    socket.write(first)
    let at = 0
    const timer = setInterval(() => socket.write(rest[at++ % rest.length] ?? ''), 200)
    socket.on('close', () => clearInterval(timer))
  }

  for (let i = 0; i < order.idle; i++) {
    dial()
    // As fast as a listener's queue takes them.
    if (i % 100 === 0) await wait(5)
  }
  for (let i = 0; i < order.slow; i++) {
    drip('GET / HT', `TP/1.1\r\nHost: ${host}\r\nX-Slow: ${'y'.repeat(4000)}`)
    drip(head('POST', '/auth/login', [json, 'Content-Length: 5000']), '{"email":"slow@example.org","password":"')
    drip(head('POST', '/api/sink/slow', [json, 'Content-Length: 5000']), 'slow ')
  }
  for (let i = 0; i < order.slowReaders; i++)
    dial()
      .pause()
      .write(head('GET', '/api/sink/flood', ['Accept: text/event-stream']))
  for (let i = 0; i < order.abortedUpgrades; i++) {
    const socket = dial()
    socket.write(
      head('GET', '/api/sink/socket', [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ]),
    )
    // Some before the server has read it, some while it dials, some when the tunnel stands.
    if (i % 2 === 0) socket.once('data', () => socket.destroy())
    else setTimeout(() => socket.destroy(), (i % 20) * 5)
  }

  const cookies = (count: number, value: string) => Array.from({ length: count }, (_, i) => `c${i}=${value}`).join('; ')
  const outcome: RudeOutcome = {
    hugeToAuth: await upload(dial, head('POST', '/auth/login', [json, 'Transfer-Encoding: chunked']), order.hugeBytes),
    hugeToApi: await upload(
      dial,
      head('POST', '/api/sink/upload', ['Transfer-Encoding: chunked', 'Connection: close']),
      order.hugeBytes,
    ),
    uploaded,
    manyCookies: await exchange(
      dial,
      head('GET', '/auth/session', [`Cookie: ${cookies(200, 'v'.repeat(20))}`, 'Connection: close']).replace(
        `Cookie: ${cookie}\r\n`,
        '',
      ),
    ),
    tooManyCookies: await exchange(
      dial,
      head('GET', '/auth/session', [`Cookie: ${cookies(200, 'v'.repeat(200))}`, 'Connection: close']),
    ),
    deepJson: await exchange(
      dial,
      head('POST', '/auth/login', [json, 'Content-Length: 60000', 'Connection: close']) + '['.repeat(60_000),
    ),
    deepObject: await exchange(
      dial,
      head('POST', '/auth/login', [json, 'Content-Length: 60000', 'Connection: close']) + '{"a":'.repeat(12_000),
    ),
    openAtTheEnd: sockets.size,
    tunnels,
    tunnelsLeft: await leftAfter(5000),
  }
  return outcome
}

/** Tunnels to the API whose clients have long left. */
async function leftAfter(patienceMs: number): Promise<number> {
  for (let waited = 0; waited < patienceMs && openTunnels.size > 0; waited += 50) await wait(50)
  return openTunnels.size
}

/**
 * Sends chunks until all are sent or the server has answered.
 * @returns the answer's status
 */
async function upload(dial: () => net.Socket, head: string, bytes: number): Promise<number> {
  const socket = dial()
  const answered = statusFrom(socket)
  let over = false
  void answered.then(() => (over = true))
  socket.write(head)
  const sized = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  for (let sent = 0; sent < bytes && !over && !socket.destroyed; sent += chunk.length) {
    if (!socket.write(sized)) await Promise.race([new Promise(drained => socket.once('drain', drained)), answered])
  }
  if (!over) socket.write('0\r\n\r\n')
  return answered
}

function exchange(dial: () => net.Socket, bytes: string): Promise<number> {
  const socket = dial()
  socket.write(bytes)
  return statusFrom(socket)
}

/** 0: the connection ended without an answer. */
function statusFrom(socket: net.Socket): Promise<number> {
  return new Promise(resolve => {
    socket.on('data', data => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1] ?? 0)))
    socket.on('close', () => resolve(0))
  })
}
