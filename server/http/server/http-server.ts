import { createServer, type IncomingMessage, type Server } from 'node:http'
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import { trackConnections } from './connections.ts'
import { isResponding, rememberListeners } from './pipelining.ts'
import type { PorchlightResponse, PorchlightResponseClass } from '../response/server-response.ts'
import { answerParserErrors } from './parser-errors.ts'
import { isWebSocketUpgrade, type UpgradeListener } from './upgrade-listener.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'

interface Deps {
  log: Log
  security: SecurityHeaders
  brand: SiteBrand
  ServerResponse: PorchlightResponseClass
  listener: (incoming: IncomingMessage, outgoing: PorchlightResponse, expectsContinue?: boolean) => void
  /** Called for a connection that begins with the preamble of the PROXY protocol. */
  proxyProtocol: () => void
  upgrade: UpgradeListener
}

/** Three times what is accepted (steps/limit-headers.ts); beyond it, Node's parser gives up. */
const PARSED_HEADER_BYTES = 48 * 1024

/** Creates Node's server with limits, and with our own responses to parser errors. */
export function httpServer({ log, security, brand, ServerResponse, listener, upgrade, proxyProtocol }: Deps): Server {
  const server = createServer({
    ServerResponse,
    // While an earlier response is pending, an upgrade is handled as an ordinary request (RFC 9110 §7.8), or it would
    // write into that response.
    shouldUpgradeCallback: incoming => isWebSocketUpgrade(incoming) && !isResponding(incoming.socket),
    maxHeaderSize: PARSED_HEADER_BYTES,
    // requireHost handles these, with our headers.
    requireHostHeader: false,
    headersTimeout: 20 * SECOND,
    // Uploads may take long; the relay ends stalled ones, and limitBody those under /auth.
    requestTimeout: 6 * HOUR,
    connectionsCheckingInterval: 5 * SECOND,
    // Longer than the two minutes that proxies keep connections alive, so that they never reuse one that we have just
    // closed.
    keepAliveTimeout: 130 * SECOND,
    // TCP keep-alive ends the event streams of clients that vanished silently.
    keepAlive: true,
    keepAliveInitialDelay: MINUTE,
  })
  // The headers' total size is limited instead: with a maximum count, Node would silently drop headers.
  server.maxHeadersCount = 0
  server.on('request', (incoming, outgoing) => listener(incoming, outgoing))
  server.on('checkContinue', (incoming, outgoing) => listener(incoming, outgoing, true))
  // Other expectations than 100-continue may be ignored (RFC 9110 §10.1.1); Node's own response would lack our headers.
  server.on('checkExpectation', (incoming, outgoing) => listener(incoming, outgoing as PorchlightResponse))
  const plain = server as unknown as Server
  trackConnections(plain)
  rememberListeners(plain)
  plain.on('upgrade', upgrade)
  answerParserErrors(plain, { log, security, brand, proxyProtocol })
  return plain
}
