import { createServer, type IncomingMessage, type Server } from 'node:http'
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { trackConnections } from './connections.ts'
import { isAnswering, rememberListeners } from './earlier-answers.ts'
import type { porchlightResponse, PorchlightResponse } from '../response/server-response.ts'
import { answerParserErrors } from './parser-errors.ts'
import { isWebSocketUpgrade } from './upgrade-listener.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'

interface Deps {
  log: Log
  security: SecurityHeaders
  ServerResponse: ReturnType<typeof porchlightResponse>
  listener: (incoming: IncomingMessage, outgoing: PorchlightResponse, expectsContinue?: boolean) => void
  /** Called for a connection that begins with the preamble of the PROXY protocol. */
  proxyProtocol: () => void
  /** Attaches what answers upgrades. */
  upgrades: (server: Pick<Server, 'on'>) => void
}

/** More than any honest browser sends; past it Node's parser answers 431. */
const MAX_HEADER_BYTES = 16 * 1024

/** Node's server with limits and with our words for what its parser refuses. */
export function httpServer({ log, security, ServerResponse, listener, upgrades, proxyProtocol }: Deps): Server {
  const server = createServer({
    ServerResponse,
    // Behind an answer that is under way it is a request as any other (RFC 9110 §7.8): it would be written into that
    // answer.
    shouldUpgradeCallback: incoming => isWebSocketUpgrade(incoming) && !isAnswering(incoming.socket),
    maxHeaderSize: MAX_HEADER_BYTES,
    // The Host rule answers these itself, with our headers.
    requireHostHeader: false,
    headersTimeout: 20 * SECOND,
    // Uploads may take long; ones that stand still are ended by the relay, and bodies under /auth by limitBody.
    requestTimeout: 6 * HOUR,
    connectionsCheckingInterval: 5 * SECOND,
    // Longer than the two minutes for which proxies keep a connection, so that they never send on one that we just
    // closed.
    keepAliveTimeout: 130 * SECOND,
    // TCP's own: a client that vanished without a word leaves no event stream behind.
    keepAlive: true,
    keepAliveInitialDelay: MINUTE,
  })
  // The bytes of the headers are limited; above a count, Node would drop headers without a word.
  server.maxHeadersCount = 0
  server.on('request', (incoming, outgoing) => listener(incoming, outgoing))
  server.on('checkContinue', (incoming, outgoing) => listener(incoming, outgoing, true))
  // An expectation other than 100-continue may be ignored (RFC 9110 §10.1.1); Node would answer it without our headers.
  server.on('checkExpectation', (incoming, outgoing) => listener(incoming, outgoing as PorchlightResponse))
  const plain = server as unknown as Server
  trackConnections(plain)
  rememberListeners(plain)
  upgrades(plain)
  answerParserErrors(plain, { log, security, proxyProtocol })
  return plain
}
