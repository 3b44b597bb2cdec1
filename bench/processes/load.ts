// A load generator in a process of its own: `connections` keep-alive sockets, one request at a time on each. Raw
// sockets and fixed bytes, so that it costs much less than any server it drives.
import net from 'node:net'
import { stdin, stdout } from 'node:process'
import { json } from 'node:stream/consumers'
import type { LoadOrder, LoadResult } from '../load.ts'

const order = (await json(stdin)) as LoadOrder
const requests = (order.cookies ?? [order.headers['Cookie'] ?? '']).map(cookie => {
  const lines = Object.entries({ ...order.headers, Cookie: cookie })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`GET ${order.path} HTTP/1.1\r\n${lines.join('')}\r\n`)
})
const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

const result: LoadResult = { answered: 0, failed: 0, seconds: 0 }
let counting = true
let turn = 0

function next(): Buffer {
  return requests[turn++ % requests.length] as Buffer
}

function connect(): void {
  const socket = net.connect(order.port, '127.0.0.1')
  socket.setNoDelay(true)
  let received: Buffer = Buffer.alloc(0)
  socket.on('connect', () => socket.write(next()))
  socket.on('error', () => void (result.failed += 1))
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    if (!isWhole(received)) return
    if (counting) result[received.subarray(9, 12).equals(OK) ? 'answered' : 'failed'] += 1
    received = Buffer.alloc(0)
    socket.write(next())
  })
}

const OK = Buffer.from('200')

function isWhole(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.subarray(0, headEnd).toString('latin1'))?.[1]
  return length === undefined
    ? bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
    : bytes.length >= headEnd + HEAD_END.length + Number(length)
}

for (let i = 0; i < order.connections; i++) connect()
const started = performance.now()
setTimeout(() => {
  counting = false
  result.seconds = (performance.now() - started) / 1000
  stdout.write(JSON.stringify(result), () => process.exit(0))
}, order.seconds * 1000)
