// As load.ts, over WebSockets: on each of `connections` one message at a time, which has to come back as it was.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { stdin, stdout } from 'node:process'
import { json } from 'node:stream/consumers'
import type { LoadOrder, LoadResult } from '../load.ts'

const order = (await json(stdin)) as LoadOrder
const handshake = {
  ...order.headers,
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
}
const opening = Buffer.from(
  `GET ${order.path} HTTP/1.1\r\n${Object.entries(handshake)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`,
)

// RFC 6455 §5.2: a whole text frame. A client's is masked; masked with zeros, its text stays as it is.
const TEXT = Buffer.from('a short message, as of a chat or a pointer that moves'.padEnd(100, '.'))
const sent = Buffer.concat([Buffer.from([0x81, 0x80 | TEXT.length, 0, 0, 0, 0]), TEXT])
const expected = Buffer.concat([Buffer.from([0x81, TEXT.length]), TEXT])

const result: LoadResult = { answered: 0, failed: 0, seconds: 0 }
let counting = true

function connect(): void {
  const socket = net.connect(order.port, '127.0.0.1')
  socket.setNoDelay(true)
  let received: Buffer = Buffer.alloc(0)
  let open = false
  const fail = () => {
    if (counting) result.failed += 1
  }
  socket.on('connect', () => socket.write(opening))
  socket.on('error', fail)
  socket.on('close', fail)
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    if (!open) {
      const end = received.indexOf('\r\n\r\n')
      if (end === -1) return
      if (!received.subarray(0, 12).equals(SWITCHING)) return void socket.destroy()
      open = true
      received = received.subarray(end + 4)
      socket.write(sent)
    }
    if (received.length < expected.length) return
    if (!received.equals(expected)) return void socket.destroy()
    if (counting) result.answered += 1
    received = Buffer.alloc(0)
    socket.write(sent)
  })
}

const SWITCHING = Buffer.from('HTTP/1.1 101')

for (let i = 0; i < order.connections; i++) connect()
const started = performance.now()
setTimeout(() => {
  counting = false
  result.seconds = (performance.now() - started) / 1000
  stdout.write(JSON.stringify(result), () => process.exit(0))
}, order.seconds * 1000)
