import { STATUS_CODES } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { SECOND } from '../../base/clock.ts'
import type { Reply } from './reply.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

/** How long a refused client may take to read the response. */
const READ_REFUSAL_MS = 2 * SECOND

/**
 * Responds on a bare socket, where Node creates no response: after a parser error, for CONNECT, and for refused
 * upgrades. The caller ensures that no earlier response is pending. The client gets the reason, and is disconnected a
 * moment later whatever it does.
 */
export function refuseSocket(socket: Duplex, reply: Reply, requestId: string, security: SecurityHeaders): void {
  closeAfter(socket, rawAnswer(reply, requestId, security))
}

/**
 * Closes a connection after its last response.
 * @param lastWords null if everything has been written
 */
export function closeAfter(socket: Duplex, lastWords: string | null): void {
  socket.on('error', () => socket.destroy())
  if (!socket.writable) return void socket.destroy()
  socket.end(lastWords)
  // Unread data would hide that the client has disconnected.
  socket.resume()
  setTimeout(() => socket.destroy(), READ_REFUSAL_MS).unref()
}

/**
 * The headers of a connection's last response, written without the usual response class. It carries the same headers as
 * every other response (HD-12).
 */
export function lastHeaders(reply: Reply, body: string, requestId: string, security: SecurityHeaders): string[] {
  const ownPolicy = reply.headers.includes('Content-Security-Policy')
  return [
    ...security.fixed,
    ...(ownPolicy ? [] : ['Content-Security-Policy', DEFAULT_POLICY]),
    'Referrer-Policy',
    DEFAULT_REFERRER_POLICY,
    'X-Request-Id',
    requestId,
    'Cache-Control',
    'no-store',
    ...reply.headers,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Connection',
    'close',
  ]
}

function rawAnswer(reply: Reply, requestId: string, security: SecurityHeaders): string {
  const body = textOf(reply)
  const headers = lastHeaders(reply, body, requestId, security)
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n${body}`
}

/** Only files are streams, and none is sent this way. */
export function textOf({ body }: Reply): string {
  return body === null || body instanceof Readable ? '' : body.toString()
}
