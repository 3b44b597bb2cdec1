// A load generator that also takes large bodies and event streams: `connections` keep-alive sockets, one request at a
// time on each. Bodies are counted and not kept, so that it costs less than what it drives.
import net from 'node:net'
import { argv, stdout } from 'node:process'
import { readFileSync } from 'node:fs'
import type { FloodOrder, FloodResult } from '../full/flood.ts'
import { answerReader } from '../full/answer-reader.ts'

const order = JSON.parse(readFileSync(argv[2] ?? '', 'utf8')) as FloodOrder
const { port, method, path, headers, connections, seconds } = order
const body = Buffer.alloc(order.bodyBytes, 'x')
const cookies = order.cookies ?? [headers['Cookie'] ?? '']
const requests = cookies.map(cookie =>
  Buffer.concat([
    Buffer.from(
      [
        `${method} ${path} HTTP/1.1`,
        ...Object.entries({ ...headers, Cookie: cookie })
          .filter(([, value]) => value !== '')
          .map(([name, value]) => `${name}: ${value}`),
        ...(method === 'GET' ? [] : [`Content-Length: ${body.length}`, 'Content-Type: application/octet-stream']),
        '',
        '',
      ].join('\r\n'),
    ),
    body,
  ]),
)

const latencies: number[] = []
const result: FloodResult = {
  answered: 0,
  failed: 0,
  firstFailure: null,
  events: 0,
  seconds: 0,
  p50: 0,
  p99: 0,
  longest: 0,
}
let next = 0
let open = connections
let over = false
const started = performance.now()

/** The next request's bytes: a given list of cookies is gone through once. */
function take(): Buffer | null {
  if (over || (order.cookies !== null && next >= requests.length)) return null
  return requests[next++ % requests.length] ?? null
}

function fail(why: string): void {
  result.failed += 1
  result.firstFailure ??= why
}

function connect(): void {
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let sentAt = 0
  let waiting = false
  const send = () => {
    const bytes = take()
    if (bytes === null) return leave()
    waiting = true
    sentAt = performance.now()
    socket.write(bytes)
  }
  const leave = () => {
    waiting = false
    socket.destroy()
    open -= 1
    if (open === 0) finish()
  }
  const reader = answerReader((status, events, whole) => {
    result.events += over ? 0 : events
    if (!whole || over) return
    waiting = false
    latencies.push(performance.now() - sentAt)
    if (status === 200) result.answered += 1
    else fail(`status ${status}`)
    send()
  })
  socket.on('connect', send)
  socket.on('data', chunk => reader(chunk))
  socket.on('error', error => {
    if (waiting && !over) fail(error.message)
  })
  // A server may end a connection between two requests; the next one takes another.
  socket.on('close', () => {
    if (over || open === 0) return
    if (waiting) fail('the connection was closed before the answer was whole')
    if (result.failed < 100 && (order.cookies === null || next < requests.length)) connect()
  })
}

function finish(): void {
  if (result.seconds > 0) return
  over = true
  result.seconds = (performance.now() - started) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  Object.assign(result, { p50: at(0.5), p99: at(0.99), longest: at(1) })
  stdout.write(JSON.stringify(result), () => process.exit(0))
}

for (let i = 0; i < connections; i++) connect()
setTimeout(finish, seconds * 1000)
