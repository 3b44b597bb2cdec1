import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import net from 'node:net'
import { Readable } from 'node:stream'
import tls from 'node:tls'

/** Where a client connects from: Linux has all of 127.0.0.0/8, so this is told from the proxy's own address. */
export const CLIENT_ADDRESS = '127.0.77.9'

interface Target {
  ports: { https: number }
  tls: { ca: string }
}

/** A connection to the proxy over TLS, which has agreed on HTTP/2 (or on HTTP/1.1, if that is asked for). */
async function connectTls({ ports, tls: { ca } }: Target, protocol: 'h2' | 'http/1.1'): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    socket: net.connect({ host: '127.0.0.1', port: ports.https, localAddress: CLIENT_ADDRESS }),
    servername: 'localhost',
    ca,
    ALPNProtocols: [protocol],
  })
  await once(socket, 'secureConnect')
  if (socket.alpnProtocol !== protocol) throw new Error(`the proxy speaks ${socket.alpnProtocol}, not ${protocol}`)
  return socket
}

export async function connectH2(target: Target & { origin: string }): Promise<ClientHttp2Session> {
  const socket = await connectTls(target, 'h2')
  // A window of the size that browsers have: with 64 KB, only the round trips would be measured.
  const session = http2.connect(target.origin, {
    createConnection: () => socket,
    settings: { initialWindowSize: 4 * 1024 * 1024 },
  })
  session.on('error', () => {})
  await once(session, 'remoteSettings')
  return session
}

export interface H2Answer {
  status: number
  headers: IncomingHttpHeaders
  bytes: number
  hash: string
  text: string
}

/** Sends a request; a body is written as fast as it is taken. */
export function h2Stream(
  session: ClientHttp2Session,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: object; body?: Iterable<Buffer> } = {},
): ClientHttp2Stream {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
  stream.on('error', () => {})
  if (body !== undefined) Readable.from(body).pipe(stream)
  return stream
}

/** The whole answer; of its text, the beginning. */
export async function h2Ask(...asked: Parameters<typeof h2Stream>): Promise<H2Answer> {
  const stream = h2Stream(...asked)
  const [headers] = (await once(stream, 'response', { signal: AbortSignal.timeout(60_000) })) as [IncomingHttpHeaders]
  const hash = createHash('sha256')
  let [bytes, text] = [0, '']
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    if (text.length < 100_000) text += chunk.toString('latin1')
  }
  return { status: Number(headers[':status']), headers, bytes, hash: hash.digest('hex'), text }
}
