import { type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { ProblemCode } from '../contract/problems.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

/** What Node's parser refuses never becomes a request. It is answered on the bare socket, with the same headers and body
 * as everything else (HD-12). */
export function answerParserErrors(server: Pick<Server, 'on'>, { log, security }: { log: Log, security: SecurityHeaders }): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const answering = (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage
    if (!socket.writable || error.code === 'ECONNRESET' || answering?.headersSent) {
      socket.destroy()
      return
    }
    const problem = new Problem(codeOf(error))
    const requestId = randomId(9)
    log.info({ requestId, status: problem.status, parser: error.code }, 'request')
    socket.end(rawAnswer(problem, requestId, security))
  })
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW': return 'headers_too_large'
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW': return 'body_too_large'
    case 'ERR_HTTP_REQUEST_TIMEOUT': return 'request_timeout'
    default: return 'bad_request'
  }
}

function rawAnswer(problem: Problem, requestId: string, security: SecurityHeaders): string {
  const body = JSON.stringify(problem.body(requestId))
  const headers = [
    ...security.fixed,
    'Content-Security-Policy', DEFAULT_POLICY,
    'Referrer-Policy', DEFAULT_REFERRER_POLICY,
    'X-Request-Id', requestId,
    'Cache-Control', 'no-store',
    'Content-Type', 'application/problem+json',
    'Content-Length', String(Buffer.byteLength(body)),
    'Connection', 'close',
  ]
  let head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n${body}`
}
