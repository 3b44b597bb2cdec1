import type { Duplex } from 'node:stream'
import type { ObservedCall } from '../base/call-observer.ts'
import { Problem } from '../base/problem.ts'
import type { Retry } from './forward.ts'
import type { Pools } from './pools.ts'
import { announcedTooOften, asUpstreamProblem, INTERIM_MAX } from './upstream-failures.ts'
import type { Match } from './route-matcher.ts'
import type { ResponseFilter } from './response-headers.ts'
import type { Streams } from './streams.ts'
import { joinSockets } from './tunnel.ts'
import type { RelayRequest, UpstreamHeaders } from './types.ts'
import { closeCodeOf, type CloseReason, problemFor } from './in-flight.ts'

interface Handshake {
  match: Match
  request: RelayRequest
  /** The final headers; undici adds Connection and Upgrade. */
  headers: string[]
  client: Duplex
  /** What the client sent directly after its handshake. */
  head: Buffer
  /**
   * Called when the upstream refused the token.
   * @returns null to pass the refusal on
   */
  onUnauthorized: ((headers: UpstreamHeaders) => Retry | null) | null
  /** Told when the upstream accepts; null: nobody is. */
  call: ObservedCall | null
}

interface Deps {
  pools: Pools
  streams: Streams
  filter: ResponseFilter
}

/**
 * Connects to the upstream and joins the two sockets if it accepts. Session and route have already been checked.
 * @returns when the connection has ended
 * @throws Problem `upstream_unreachable`, `upstream_tls_failed`, `upstream_timeout`, `upgrade_refused`,
 * `too_many_streams`, or the reason it was ended, provided nothing has been sent to the client
 */
export async function relayUpgrade(deps: Deps, handshake: Handshake): Promise<void> {
  const {
    match: { upstream },
    request: { caller, network },
    client,
  } = handshake
  const dial: Dial = { controller: null, close: null, ended: null }
  const inFlight = {
    upstream,
    caller,
    network,
    end(reason: CloseReason) {
      dial.ended = reason
      if (dial.close !== null) dial.close(closeCodeOf(reason), reason)
      else dial.controller?.abort(problemFor(reason))
    },
  }
  deps.streams.join(inFlight)
  try {
    // Before connecting to the upstream, because half-open connections have to be bounded, too.
    deps.streams.stream(inFlight, 'websocket')
    // Registered before the awaits below, because a socket emits `close` only once.
    client.once('close', () => dial.controller?.abort(new Error('the client went away')))
    await connect(deps, handshake, dial)
  } finally {
    deps.streams.leave(inFlight)
  }
}

/** Aborts a handshake in progress, or closes the resulting connection. */
interface Dial {
  controller: { abort(reason: Error): void } | null
  close: ((code: number, reason: string) => void) | null
  ended: CloseReason | null
}

async function connect({ pools, filter }: Deps, handshake: Handshake, dial: Dial): Promise<void> {
  const { match, request, client, head } = handshake
  const { upstream } = match
  const pool = await pools.of(upstream)
  let interim = 0
  return new Promise((resolve, reject) => {
    const send = (headers: string[]) => {
      let retry: Retry | null = null
      pool.dispatch(
        { method: 'GET', path: match.path + request.search, headers, upgrade: 'websocket' },
        {
          onRequestStart(controller) {
            dial.controller = controller
            if (client.destroyed) controller.abort(new Error('the client went away'))
            else if (dial.ended !== null) controller.abort(problemFor(dial.ended))
          },
          onRequestUpgrade(_controller, status, answered, socket) {
            handshake.call?.answered(status)
            if (client.destroyed) {
              socket.destroy()
              return resolve()
            }
            const relayed = filter.headers(status, answered, upstream, match.path).headers
            const fixed = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-Request-Id', request.id]
            // The upstream's bytes were decoded as Latin-1.
            client.write(
              `HTTP/1.1 ${status} Switching Protocols\r\n${headerLines([...fixed, ...relayed])}\r\n`,
              'latin1',
            )
            if (head.length > 0) socket.write(head)
            dial.close = joinSockets({
              client,
              upstream: socket,
              idleMs: upstream.timeouts.websocketIdleMs,
              onClose: resolve,
            })
          },
          onResponseStart(controller, status, answered) {
            if (status < 200) {
              if (++interim > INTERIM_MAX) controller.abort(announcedTooOften(upstream.name))
              return
            }
            retry = status === 401 ? (handshake.onUnauthorized?.(answered) ?? null) : null
            controller.abort(
              new Problem('upgrade_refused', { detail: `"${upstream.name}" answered ${status} to the upgrade.` }),
            )
          },
          onResponseData() {},
          onResponseEnd() {},
          onResponseError(_controller, error) {
            if (retry !== null && dial.ended === null && !client.destroyed) retry().then(send, reject)
            else reject(asUpstreamProblem(error, upstream.name))
          },
        },
      )
    }
    send(handshake.headers)
  })
}

function headerLines(pairs: readonly string[]): string {
  let text = ''
  for (let i = 0; i + 1 < pairs.length; i += 2) text += `${pairs[i]}: ${pairs[i + 1]}\r\n`
  return text
}
