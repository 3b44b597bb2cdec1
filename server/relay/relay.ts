import type { Duplex } from 'node:stream'
import type { CallObserver, ObservedCall } from '../base/call-observer.ts'
import { mapMaybe, type MaybePromise } from '../base/maybe-promise.ts'
import { Problem } from '../base/problem.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { asksForNonce } from './credentials.ts'
import { refusalOf } from './admission.ts'
import type { Streams } from './streams.ts'
import { forward } from './forward.ts'
import { observedPass, reportEnd } from './observed.ts'
import { createPools } from './pools.ts'
import { createRefusalLog } from './refusal-log.ts'
import { requestHeaders } from './request-headers.ts'
import { responseFilter } from './response-headers.ts'
import { createRoutes, type Match } from './route-matcher.ts'
import { relayUpgrade } from './upgrade.ts'
import type { UpstreamAuth, Credentials, RelayRequest, Sink, UpstreamHeaders } from './types.ts'

interface Deps {
  clock: Clock
  log: Log
  publicUrl: string
  upstreams: readonly Upstream[]
  /** Receives what no upstream does; null: pages are not relayed. */
  frontEnd: Upstream | null
  credentials: Credentials
  isOwnCookie: (name: string) => boolean
  streams: Streams
  /** Watches every call; null: nothing does. */
  observer: CallObserver | null
}

/** The credentials of anonymous calls, and of calls to upstreams that take no token. */
const NO_AUTH: UpstreamAuth = { headers: [], token: '', bound: false }

/** Relays same-origin calls to the configured upstreams, each with its own token. */
export function createRelay({
  clock,
  log,
  publicUrl,
  upstreams,
  frontEnd,
  credentials,
  isOwnCookie,
  streams,
  observer,
}: Deps) {
  const { protocol, host, origin } = new URL(publicUrl)
  const publicParts = { protocol: protocol.slice(0, -1), host }
  const match = createRoutes(upstreams)
  const pools = createPools()
  const logRefusal = createRefusalLog({ clock, log })
  const filter = responseFilter({
    publicOrigin: origin,
    relayed: frontEnd === null ? upstreams : [...upstreams, frontEnd],
    isOwnCookie,
  })

  function authFor(
    request: RelayRequest,
    { upstream, path }: Match,
    refused: string | null,
  ): MaybePromise<UpstreamAuth> {
    const { caller, method } = request
    if (caller === null || upstream.token === 'none') return NO_AUTH
    const auth = credentials.headersFor(upstream, caller, { method, path }, refused)
    // If the session ended in the meantime, report that rather than the missing token.
    return auth instanceof Promise
      ? auth.catch((error: unknown) => {
          throw streams.refusalOf(caller.session.publicId) ?? error
        })
      : auth
  }

  function headersFor(
    request: RelayRequest,
    { upstream }: Match,
    auth: UpstreamAuth,
    call: ObservedCall | null,
  ): string[] {
    const forwarded = {
      publicUrl: publicParts,
      network: request.network,
      requestId: request.id,
      trace: call === null ? null : call.headers,
      credentials: auth.headers,
    }
    return requestHeaders(request.rawHeaders, upstream, forwarded, isOwnCookie)
  }

  /**
   * A refused token is refreshed or reissued once; a DPoP proof that lacks a nonce, or that a stale connection may have
   * delivered, is recreated once.
   */
  function retries(request: RelayRequest, match: Match, first: UpstreamAuth, call: ObservedCall | null) {
    let last = first
    const tried = { nonce: false, fresh: false }
    const headersWith = async (refused: string | null) => {
      last = await authFor(request, match, refused)
      return headersFor(request, match, last, call)
    }
    return {
      retryStale: () => headersWith(null),
      onUnauthorized:
        first === NO_AUTH
          ? null
          : (answered: UpstreamHeaders) => {
              if (last.bound) credentials.onResponse(match.upstream, answered)
              const kind = last.bound && asksForNonce(answered) ? 'nonce' : 'fresh'
              // A token that had merely expired is replaced by the retry, and nothing is wrong. A body cannot be sent again.
              const isFinal = tried.fresh || request.body !== null
              if (kind === 'fresh' && isFinal) logRefusal(match.upstream, answered, last.token)
              if (kind === 'fresh' && request.caller !== null)
                credentials.refused(match.upstream, request.caller, last.token)
              if (tried[kind]) return null
              tried[kind] = true
              return () => headersWith(kind === 'nonce' ? null : last.token)
            },
    }
  }

  function begin({ upstream }: Match, { method }: RelayRequest, operation: 'relay' | 'upgrade'): ObservedCall | null {
    return observer && observer.begin({ peer: upstream.name, method, operation })
  }

  function pass(match: Match, request: RelayRequest, sink: Sink, call: ObservedCall | null): MaybePromise<void> {
    const { upstream, path } = match
    const { caller, network } = request
    return mapMaybe(authFor(request, match, null), auth =>
      forward(
        pools,
        streams,
        {
          upstream,
          caller,
          network,
          method: request.method,
          path,
          search: request.search,
          headers: headersFor(request, match, auth, call),
          body: request.body,
          ...retries(request, match, auth, call),
          onHeaders: auth.bound ? headers => credentials.onResponse(upstream, headers) : null,
        },
        sink,
        filter,
      ),
    )
  }

  async function passUpgrade(
    match: Match,
    request: RelayRequest,
    client: Duplex,
    head: Buffer,
    call: ObservedCall | null,
  ): Promise<void> {
    const auth = await authFor(request, match, null)
    const headers = headersFor(request, match, auth, call)
    const { onUnauthorized } = retries(request, match, auth, call)
    await relayUpgrade({ pools, streams, filter }, { match, request, headers, client, head, onUnauthorized, call })
  }

  return {
    match,
    prefixes: upstreams.map(upstream => upstream.prefix),

    /**
     * Checks whether a request may reach an upstream at all.
     * @throws Problem `method_not_allowed`, `not_signed_in`, `forbidden`, `insufficient_user_authentication`,
     * `body_too_large`
     */
    admit({ upstream }: Match, request: Pick<RelayRequest, 'method' | 'rawHeaders' | 'caller'>): void {
      if (upstream.methods !== null && !upstream.methods.includes(request.method))
        throw new Problem('method_not_allowed')
      const refusal = refusalOf(upstream, request.caller, clock.now().wall)
      if (refusal !== null) throw refusal
      const length = headerOf(request.rawHeaders, 'content-length')
      if (upstream.maxBodyBytes !== null && length !== null && Number(length) > upstream.maxBodyBytes) {
        throw new Problem('body_too_large', { detail: `At most ${upstream.maxBodyBytes} bytes are accepted here.` })
      }
    },

    /**
     * @returns when the response is complete or was cut off
     * @throws Problem provided nothing has reached the sink
     */
    pass(match: Match, request: RelayRequest, sink: Sink): MaybePromise<void> {
      const call = begin(match, request, 'relay')
      if (call === null) return pass(match, request, sink, null)
      return observedPass(call, sink, observed => pass(match, request, observed, call))
    },

    /**
     * Relays a WebSocket: session and route are checked before connecting to the upstream.
     * @returns when the connection has ended
     * @throws Problem provided nothing has been sent to the client
     */
    async passUpgrade(match: Match, request: RelayRequest, client: Duplex, head: Buffer): Promise<void> {
      if (!match.upstream.websocket)
        throw new Problem('not_found', { detail: 'This address does not accept live connections.' })
      const call = begin(match, request, 'upgrade')
      if (call === null) return passUpgrade(match, request, client, head, null)
      return reportEnd(
        call,
        () => passUpgrade(match, request, client, head, call),
        () => null,
      )
    },

    /** Closes live streams for a shutdown, so that everything else can finish. */
    closeStreams: () => streams.close(),
    close: () => pools.close(),
  }
}

export type Relay = ReturnType<typeof createRelay>

function headerOf(rawHeaders: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === name.length && rawHeaders[i]?.toLowerCase() === name) return rawHeaders[i + 1] ?? null
  }
  return null
}
