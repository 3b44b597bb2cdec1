import { createServer, type IncomingMessage, type Server } from 'node:http'
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import type { IsTrusted } from '../../config/trusted-proxies.ts'
import type { ProxyTrouble } from '../../ops/front-check.ts'
import { trackConnections } from './connections.ts'
import { isResponding, rememberListeners } from './pipelining.ts'
import { readProxyHeaders } from './proxy-protocol.ts'
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
  proxyProtocol: {
    /** Whether trusted proxies send its header. */
    isRead: boolean
    isTrusted: IsTrusted
    /** Called for a connection that begins with it unexpectedly, or does not where it should. */
    note: (trouble: ProxyTrouble) => void
  }
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
  rememberListeners(plain)
  if (proxyProtocol.isRead)
    readProxyHeaders(plain, { ...proxyProtocol, refused: warnOfRefused(log, proxyProtocol.note) })
  // Those that wait for a header, too.
  trackConnections(plain)
  plain.on('upgrade', upgrade)
  answerParserErrors(plain, { log, security, brand, noteProxyProtocol: proxyProtocol.note })
  return plain
}

/** Logs the first one only: a misconfigured proxy opens a connection for each request. */
function warnOfRefused(log: Log, note: (trouble: ProxyTrouble) => void): (peer: string, why: string) => void {
  let warned = false
  return (peer, why) => {
    note({ problem: 'missing', peer })
    if (!warned)
      log.warn(
        { event: 'proxy_protocol_missing', peer, why },
        'a trusted proxy opened a connection without a valid PROXY protocol header; it was closed',
      )
    warned = true
  }
}
