import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { createGzip } from 'node:zlib'

/** How the simulated proxy behaves; correctly by default. */
export interface ProxyBehaviour {
  /** What happens to X-Forwarded-For. Most nginx guides recommend `append`. */
  forwardedFor: 'write' | 'append' | 'pass' | 'none' | 'nonsense' | 'two'
  upgrades: boolean
  /** Buffers a response until it is complete. */
  buffers: boolean
  /** Compresses responses if the client accepts it, sending each block when it is full. */
  compresses: boolean
  mostBodyBytes: number
  /** The Host sent to the server; null: the client's. */
  host: string | null
  /** Prepended to every path. */
  prefix: string
  /** Sent before each connection's first request. */
  preamble: string
}

export const GOOD: ProxyBehaviour = {
  forwardedFor: 'write',
  upgrades: true,
  buffers: false,
  compresses: false,
  mostBodyBytes: Infinity,
  host: null,
  prefix: '',
  preamble: '',
}

/** The addresses for `two`: another proxy in front of this one, and the client that it saw behind a router. */
const TWO_HOPS = { client: '203.0.113.5', proxy: '198.18.0.7' }

/** For tests: a proxy whose behaviour can be changed while it runs. */
export async function startFront(
  behindPort: () => number,
  host = '127.0.0.1',
): Promise<{ port: number; behaviour: ProxyBehaviour; close(): Promise<void> }> {
  const front = { behaviour: { ...GOOD } }
  const sockets = new Set<Duplex>()
  const server: Server = createServer((incoming, outgoing) => pass(incoming, outgoing, front.behaviour, behindPort()))
  server.on('connection', socket => sockets.add(socket))
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex) =>
    tunnel(incoming, socket, front.behaviour, behindPort()),
  )
  await new Promise<void>(done => server.listen(0, host, done))
  return Object.assign(front, {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>(done => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  })
}

function headersFor(
  { headers, socket }: IncomingMessage,
  { forwardedFor, host }: ProxyBehaviour,
): Record<string, string | string[]> {
  const { connection: _, 'x-forwarded-for': received, ...rest } = headers
  const peer = socket.remoteAddress ?? ''
  const written = {
    write: peer,
    append: received === undefined ? peer : `${String(received)}, ${peer}`,
    pass: received,
    none: undefined,
    nonsense: 'unknown',
    two: `${TWO_HOPS.client}, ${TWO_HOPS.proxy}`,
  }[forwardedFor]
  const all = { ...rest, ...(host !== null && { host }), ...(written !== undefined && { 'x-forwarded-for': written }) }
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  )
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, behaviour: ProxyBehaviour, port: number): void {
  if (Number(incoming.headers['content-length'] ?? 0) > behaviour.mostBodyBytes)
    return void outgoing.writeHead(413, { connection: 'close' }).end('too large')
  const { upgrade: _, ...headers } = headersFor(incoming, behaviour)
  const call = request(
    {
      host: '127.0.0.1',
      port,
      method: incoming.method,
      path: behaviour.prefix + (incoming.url ?? ''),
      headers,
      setHost: false,
      createConnection: (_options, ready) => {
        const socket = connect(port, '127.0.0.1')
        if (behaviour.preamble !== '') socket.write(behaviour.preamble, 'latin1')
        socket.once('connect', () => ready(null, socket))
        return undefined
      },
    },
    response => {
      if (behaviour.compresses && /gzip/.test(String(incoming.headers['accept-encoding']))) {
        const { 'content-length': _, ...rest } = response.headers
        return void response
          .pipe(createGzip())
          .pipe(outgoing.writeHead(response.statusCode ?? 502, { ...rest, 'content-encoding': 'gzip' }))
      }
      if (!behaviour.buffers)
        return void response.pipe(outgoing.writeHead(response.statusCode ?? 502, response.headers))
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        outgoing.writeHead(response.statusCode ?? 502, response.headers).end(Buffer.concat(chunks)),
      )
    },
  )
  call.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()))
  incoming.pipe(call)
}

function tunnel(incoming: IncomingMessage, socket: Duplex, behaviour: ProxyBehaviour, port: number): void {
  if (!behaviour.upgrades) {
    // Like nginx without proxy_set_header Upgrade: an ordinary request.
    const { upgrade: _, ...headers } = headersFor(incoming, behaviour)
    const call = request({ host: '127.0.0.1', port, path: incoming.url, headers, setHost: false }, response => {
      socket.end(`HTTP/1.1 ${response.statusCode} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      response.resume()
    })
    call.on('error', () => socket.destroy())
    return void call.end()
  }
  const upstream = connect(port, '127.0.0.1', () => {
    const headers = { ...headersFor(incoming, behaviour), connection: 'Upgrade' }
    upstream.write(
      `GET ${behaviour.prefix}${incoming.url} HTTP/1.1\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${String(value)}\r\n`)
        .join('')}\r\n`,
    )
    upstream.pipe(socket).pipe(upstream)
  })
  for (const [side, other] of [
    [upstream, socket],
    [socket, upstream],
  ] as const)
    side.on('error', () => {}).on('close', () => other.destroy())
}
