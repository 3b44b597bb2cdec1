import { createHash } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

const MEGABYTE = 1024 * 1024
const block = Buffer.alloc(MEGABYTE, 'porchlight ')

/** So many megabytes, each with its number. */
export function* megabytes(count: number): Generator<Buffer> {
  for (let n = 0; n < count; n++) {
    const next = Buffer.from(block)
    next.writeUInt32BE(n)
    yield next
  }
}

export function hashOf(parts: Iterable<Buffer>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** An API behind Porchlight, which sees what is left of a request after the proxy and the relay. */
export interface ProxiedUpstream {
  origin: string
  /** Event streams and WebSockets that are open. */
  streams: Set<ServerResponse>
  sockets: Set<WebSocket>
  /** The targets that were asked for. */
  targets: string[]
  stop(): Promise<void>
}

export async function startProxiedUpstream(): Promise<ProxiedUpstream> {
  const streams = new Set<ServerResponse>()
  const sockets = new Set<WebSocket>()
  const targets: string[] = []
  const server = http.createServer({ maxHeaderSize: 64 * 1024 }, (incoming, outgoing) => {
    targets.push(incoming.url ?? '')
    outgoing.on('error', () => {})
    const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://upstream')
    const answer = ANSWERS[pathname.split('/')[1] ?? ''] ?? echo
    answer(incoming, outgoing, { searchParams, streams })
  })
  const accept = new WebSocketServer({ noServer: true })
  server.on('upgrade', (incoming, socket, head) =>
    accept.handleUpgrade(incoming, socket, head, client => {
      sockets.add(client)
      client.on('error', () => client.terminate())
      client.on('close', () => sockets.delete(client))
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
    }),
  )
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    sockets,
    targets,
    stop: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
        for (const client of sockets) client.terminate()
      }),
  }
}

interface Context {
  searchParams: URLSearchParams
  streams: Set<ServerResponse>
}
type Answer = (incoming: IncomingMessage, outgoing: ServerResponse, context: Context) => void

const ANSWERS: Record<string, Answer> = {
  /** Says at once that it is there, and the rest when the test does. */
  events(_incoming, outgoing, { streams }) {
    streams.add(outgoing)
    outgoing.on('close', () => streams.delete(outgoing))
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
  },
  /** The same as lines of JSON, which no proxy knows to be a stream. */
  lines(_incoming, outgoing, { streams }) {
    streams.add(outgoing)
    outgoing.on('close', () => streams.delete(outgoing))
    outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"said":"hello"}\n')
  },
  download(_incoming, outgoing, { searchParams }) {
    const count = Number(searchParams.get('megabytes'))
    outgoing.writeHead(200, { 'content-type': 'application/octet-stream' })
    Readable.from(megabytes(count)).pipe(outgoing)
  },
  /** Several cookies and a policy, as applications send them: 12 KB of headers. */
  headers(_incoming, outgoing) {
    const cookies = ['one', 'two', 'three'].map(name => `${name}=${'x'.repeat(3900)}; Path=/`)
    outgoing.writeHead(200, { 'set-cookie': cookies }).end()
  },
}

/** What arrived, as JSON: the target, the headers, and of the body its length and hash. */
function echo(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const hash = createHash('sha256')
  let bytes = 0
  incoming.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  incoming.on('end', () => {
    const { method, url, headers, rawHeaders } = incoming
    outgoing.writeHead(200, { 'content-type': 'application/json' })
    outgoing.end(JSON.stringify({ method, url, headers, rawHeaders, bytes, hash: hash.digest('hex') }))
  })
}
