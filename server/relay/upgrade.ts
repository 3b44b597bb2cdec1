import type { Duplex } from 'node:stream'
import { Problem } from '../base/problem.ts'
import type { Pools, Retry } from './forward.ts'
import { asUpstreamProblem } from './failures.ts'
import type { Match } from './routes.ts'
import type { ResponseFilter } from './response-headers.ts'
import type { CloseReason, Streams } from './streams.ts'
import { joinSockets } from './tunnel.ts'
import type { RelayRequest, UpstreamHeaders } from './types.ts'

/** 4401: the session is over, sign in again (4000–4999 are for applications, RFC 6455 §7.4.2). */
const SESSION_ENDED = 4401
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

interface Handshake {
  match: Match
  request: RelayRequest
  /** With every header decided; undici adds Connection and Upgrade. */
  headers: string[]
  client: Duplex
  /** What the client sent right behind its handshake. */
  head: Buffer
  /** The upstream refused its token. @returns null: the refusal is passed on */
  onUnauthorized: ((headers: UpstreamHeaders) => Retry | null) | null
}

/** Dials the upstream and, when it agrees, joins the two sockets. Session and route have been checked before.
 * @throws Problem `upstream_unreachable`, `upstream_timeout`, `upgrade_refused` while the client has heard nothing */
export async function relayUpgrade(pools: Pools, streams: Streams, handshake: Handshake, filter: ResponseFilter): Promise<void> {
  const { match, request, client, head } = handshake
  const { upstream } = match
  let controller: { abort(reason: Error): void } | null = null
  // From here on, not after the waits to come: a socket tells only once that it is closed.
  client.once('close', () => controller?.abort(new Error('the client went away')))
  const pool = await pools.of(upstream)
  return new Promise((resolve, reject) => {
    const dial = (headers: string[]) => {
      let retry: Retry | null = null
      pool.dispatch({ method: 'GET', path: match.path + request.search, headers, upgrade: 'websocket' }, {
        onRequestStart(given) {
          controller = given
          if (client.destroyed) given.abort(new Error('the client went away'))
        },
        onRequestUpgrade(_controller, status, answered, socket) {
          if (client.destroyed) {
            socket.destroy()
            return resolve()
          }
          const relayed = filter.headers(status, answered, upstream, match.path).headers
          client.write(`HTTP/1.1 ${status} Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: ${request.id}\r\n${lines(relayed)}\r\n`)
          if (head.length > 0) socket.write(head)
          let left: () => void = () => {}
          const close = joinSockets(client, socket, () => {
            left()
            resolve()
          })
          left = streams.add(request.caller?.session ?? null, reason => close(codeFor(reason), reason))
        },
        onResponseStart(given, status, answered) {
          retry = status === 401 ? handshake.onUnauthorized?.(answered) ?? null : null
          given.abort(new Problem('upgrade_refused', { detail: `"${upstream.name}" answered ${status} to the upgrade.` }))
        },
        onResponseData() {},
        onResponseEnd() {},
        onResponseError(_controller, error) {
          if (retry !== null && !client.destroyed) retry().then(dial, reject)
          else reject(asUpstreamProblem(error, upstream.name))
        },
      })
    }
    dial(handshake.headers)
  })
}

function codeFor(reason: CloseReason): number {
  if (reason === 'going_away') return GOING_AWAY
  return reason === 'disabled' || reason === 'admin' ? POLICY_VIOLATION : SESSION_ENDED
}

function lines(pairs: readonly string[]): string {
  let text = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) text += `${pairs[i]}: ${pairs[i + 1]}\r\n`
  return text
}
