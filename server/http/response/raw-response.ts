import { STATUS_CODES } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { SECOND } from '../../base/clock.ts'
import type { Reply } from './reply.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

/** How long a client that was refused may take to read why. */
const READ_REFUSAL_MS = 2 * SECOND

/**
 * Ends a bare socket, where Node makes no response: what its parser refused, CONNECT, and upgrades that are not made.
 * No earlier request there waits for its answer any more. Its client is told why, and is gone a moment later whatever
 * it does.
 */
export function refuseSocket(socket: Duplex, reply: Reply, requestId: string, security: SecurityHeaders): void {
  leave(socket, rawAnswer(reply, requestId, security))
}

/**
 * Ends a connection whose client has been told all that there is to say.
 * @param lastWords null: what was written before is all
 */
export function leave(socket: Duplex, lastWords: string | null): void {
  socket.on('error', () => socket.destroy())
  if (!socket.writable) return void socket.destroy()
  socket.end(lastWords)
  // What nobody reads would hide that the client has gone.
  socket.resume()
  setTimeout(() => socket.destroy(), READ_REFUSAL_MS).unref()
}

/**
 * The headers of an answer that is its connection's last, and is written where no other writer can be relied on. It
 * carries what every other answer carries (HD-12).
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

/** Only files are streams, and none is such an answer. */
export function textOf({ body }: Reply): string {
  return body === null || body instanceof Readable ? '' : body.toString()
}
