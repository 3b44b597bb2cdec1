import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { randomId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { ProxyTrouble } from '../../ops/front-check.ts'
import { isNavigation } from '../request/request-context.ts'
import { problemReply } from '../response/problem-reply.ts'
import { closeAfter, refuseSocket } from '../response/raw-response.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'
import { hasPreamble } from './proxy-header.ts'
import { afterResponses, afterResponsesOfLeft } from './pipelining.ts'
import { sniffHeaders } from './sniffed-headers.ts'

interface Deps {
  log: Log
  security: SecurityHeaders
  brand: SiteBrand
  /** Called for a connection that begins with the PROXY protocol, which is not expected from its peer. */
  noteProxyProtocol: (trouble: ProxyTrouble) => void
}

/**
 * Parser errors and CONNECT never become requests: they are answered on the bare socket, with the same headers and body
 * as everything else (HD-12).
 */
export function answerParserErrors(
  server: Pick<Server, 'on'>,
  { log, security, brand, noteProxyProtocol }: Deps,
): void {
  let warned = false
  /** The parser reports an error for each byte that still arrives. */
  const refused = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (refused.has(socket)) return
    refused.add(socket)
    if ('rawPacket' in error && Buffer.isBuffer(error.rawPacket) && hasPreamble(error.rawPacket)) {
      noteProxyProtocol({ problem: 'unexpected', peer: socket.remoteAddress ?? 'unknown' })
      if (!warned)
        log.warn(
          { event: 'proxy_protocol_received', peer: socket.remoteAddress },
          'a connection began with the PROXY protocol, which is only read from trusted proxies, and if PORCHLIGHT_PROXY_PROTOCOL is true',
        )
      warned = true
    }
    // The client cannot receive a response.
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    const broken = brokenOn(socket)
    const headers = broken?.headers ?? sniffHeaders(error)
    afterResponses(socket, broken, isAnswered => {
      // A second response to one request would be taken for that of the next.
      if (isAnswered) closeAfter(socket, null)
      else refuse(socket, codeOf(error), { headers, logged: { parser: error.code } })
    })
  })
  // Without a listener, Node would close a CONNECT's connection without a response.
  server.on('connect', ({ headers }: IncomingMessage, socket: Duplex) => {
    afterResponsesOfLeft(socket, () =>
      refuse(socket, 'method_not_allowed', { headers, logged: { method: 'CONNECT' }, more: ['Allow', 'GET, HEAD'] }),
    )
  })

  function refuse(socket: Duplex, code: ProblemCode, { headers, logged, more = [] }: Refused): void {
    const problem = new Problem(code)
    const id = randomId(9)
    log.info({ event: 'request_completed', requestId: id, status: problem.status, ...logged }, 'request')
    const reply = problemReply(
      { id, headers, navigation: isNavigation(headers), brand, wayOn: null, problem: null },
      problem,
      more,
    )
    refuseSocket(socket, reply, id, security)
  }
}

/** `headers`: what is known of the request's; `more`: headers of the response. */
interface Refused {
  headers: IncomingHttpHeaders
  logged: object
  more?: readonly string[]
}

/**
 * The request in whose body the parser failed.
 * @returns null if it failed in the head of another
 */
function brokenOn(socket: Socket): IncomingMessage | null {
  const incoming = (socket as { parser?: { incoming: IncomingMessage | null } | null }).parser?.incoming ?? null
  return incoming === null || incoming.complete ? null : incoming
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large'
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'body_too_large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout'
    default:
      return 'bad_request'
  }
}
