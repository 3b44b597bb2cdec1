import { STATUS_CODES } from 'node:http'
import { Readable } from 'node:stream'
import type { Reply } from './reply.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

/** An answer for a bare socket, where Node makes no response: what its parser refused, and upgrades that are not made.
 * It carries what every other answer carries (HD-12), and is the connection's last. */
export function rawAnswer(reply: Reply, requestId: string, security: SecurityHeaders): string {
  // Only files are streams, and no upgrade is answered with one.
  const body = reply.body === null || reply.body instanceof Readable ? '' : reply.body.toString()
  const ownPolicy = reply.headers.includes('Content-Security-Policy')
  const headers = [
    ...security.fixed,
    ...(ownPolicy ? [] : ['Content-Security-Policy', DEFAULT_POLICY]),
    'Referrer-Policy', DEFAULT_REFERRER_POLICY,
    'X-Request-Id', requestId,
    'Cache-Control', 'no-store',
    ...reply.headers,
    'Content-Length', String(Buffer.byteLength(body)),
    'Connection', 'close',
  ]
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n${body}`
}
