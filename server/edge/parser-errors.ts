import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { ProblemCode } from '../contract/problems.ts'
import { rawAnswer } from './raw-answer.ts'
import type { SecurityHeaders } from './security-headers.ts'

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
    socket.end(rawAnswer({ status: problem.status, headers: ['Content-Type', 'application/problem+json'], body: JSON.stringify(problem.body(requestId)) }, requestId, security))
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
