import { STATUS_CODES } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { SECOND } from '../../base/clock.ts'
import type { Reply } from './reply.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

/** How long a client that was refused may take to read why. */
const READ_REFUSAL_MS = 2 * SECOND

const refused = new WeakSet<object>()

/** Ends a bare socket, where Node makes no response: what its parser refused, CONNECT, and upgrades that are not made. Its
 * client is told why, where an answer can still be told apart from an earlier one's, and is gone a moment later whatever it does. */
export function refuseSocket(socket: Duplex, reply: Reply, requestId: string, security: SecurityHeaders): void {
  if (isRefused(socket)) return
  refused.add(socket)
  socket.on('error', () => socket.destroy())
  if (!socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  socket.end(rawAnswer(reply, requestId, security))
  // What nobody reads would hide that the client has gone.
  socket.resume()
  setTimeout(() => socket.destroy(), READ_REFUSAL_MS).unref()
}

/** Whether a socket only waits for its client to read why: the parser complains again about each byte that still comes. */
export function isRefused(socket: object): boolean {
  return refused.has(socket)
}

/** Whether an earlier request on this connection has no whole answer yet: bytes of ours would be taken for that one's. */
function isAnswering(socket: object): boolean {
  const answer = (socket as { _httpMessage?: { req: { complete: boolean }, headersSent: boolean, writableFinished: boolean } | null })._httpMessage
  if (answer === undefined || answer === null) return false
  // Where the request itself is broken, nothing has been said to it yet: the refusal is its answer.
  return !answer.writableFinished && (answer.headersSent || answer.req.complete)
}

/** The headers of an answer that is its connection's last, and is written where no other writer can be relied on. It carries
 * what every other answer carries (HD-12). */
export function lastHeaders(reply: Reply, body: string, requestId: string, security: SecurityHeaders): string[] {
  const ownPolicy = reply.headers.includes('Content-Security-Policy')
  return [
    ...security.fixed,
    ...(ownPolicy ? [] : ['Content-Security-Policy', DEFAULT_POLICY]),
    'Referrer-Policy', DEFAULT_REFERRER_POLICY,
    'X-Request-Id', requestId,
    'Cache-Control', 'no-store',
    ...reply.headers,
    'Content-Length', String(Buffer.byteLength(body)),
    'Connection', 'close',
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
