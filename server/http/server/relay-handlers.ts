import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { Problem } from '../../base/problem.ts'
import { knowsCallers } from '../../config/upstream-config.ts'
import { isLanguage, type Language, LANGUAGE_COOKIE } from '../../contract/languages.ts'
import { readableCookies } from '../../contract/readable-cookies.ts'
import { nodeSink } from '../../relay/node-sink.ts'
import type { Relay } from '../../relay/relay.ts'
import type { Match } from '../../relay/route-matcher.ts'
import type { RelayCaller, RelayRequest } from '../../relay/types.ts'
import { webSink } from '../../relay/web-sink.ts'
import type { PorchlightResponse } from '../response/server-response.ts'
import type { Caller } from '../request/caller.ts'
import type { RequestContext } from '../request/request-context.ts'
import { linger } from './request-listener.ts'
import type { FrontEnd } from '../site/front-end.ts'
import { frontPolicy } from '../site/upstream-front-end.ts'

/** Relays a browser's call, writing the response directly to Node's. */
export function relayRequests(relay: Relay, front: FrontEnd) {
  return async (
    ctx: RequestContext,
    match: Match,
    incoming: IncomingMessage,
    outgoing: PorchlightResponse,
  ): Promise<void> => {
    const request = relayRequest(ctx, incoming.rawHeaders, ctx.hasBody ? incoming : null)
    relay.admit(match, request)
    await relay.pass(
      match,
      request,
      nodeSink(outgoing, policy => {
        ctx.ofSite = ctx.family === 'front'
        ctx.contentSecurityPolicy = ctx.ofSite ? frontPolicy(front, policy) : policy
      }),
    )
    linger(incoming)
  }
}

/** Relays a call of a rendering page: the same rules, with the response as a web Response. */
export function internalRelay(relay: Relay) {
  return async (ctx: RequestContext, match: Match, request: Request): Promise<Response> => {
    const body = request.body === null ? null : Readable.fromWeb(request.body as ReadableStream)
    const relayed = relayRequest(ctx, [...request.headers].flat(), body)
    relay.admit(match, relayed)
    const { sink, response, fail } = webSink(request.signal)
    const pass = async () => relay.pass(match, relayed, sink)
    pass().catch(fail)
    return response
  }
}

export function relayRequest(ctx: RequestContext, rawHeaders: readonly string[], body: Readable | null): RelayRequest {
  const { caller } = ctx
  // Authentication is the last step; an unauthenticated request must not reach an upstream.
  if (caller === null)
    throw new Problem('internal', {}, new Error('a call was to be relayed before anybody was identified'))
  return {
    id: ctx.id,
    method: ctx.method,
    path: ctx.path,
    search: ctx.search,
    rawHeaders,
    body,
    network: ctx.client.network,
    caller: relayCaller(ctx, caller),
  }
}

function relayCaller(ctx: RequestContext, caller: Caller): RelayCaller | null {
  const { signedIn } = caller
  if (signedIn === null || isAnonymousTo(ctx, caller)) return null
  const needsLanguage = ctx.match?.upstream.claims.includes('locale') ?? false
  return { ...signedIn, language: needsLanguage ? chosenLanguage(ctx.parent ?? ctx) : null }
}

/**
 * A front end that knows no callers gets no identity: its live connections have to outlast a session, or a sign-out
 * would end hot reload. To one that does, a session that was just replaced is nobody, because its tokens have ended.
 */
function isAnonymousTo({ family, match }: RequestContext, { replaced }: Caller): boolean {
  return family === 'front' && (replaced || match === null || !knowsCallers(match.upstream))
}

/** A browser's preference that it sends along is not a choice, and reaches the upstream in `Accept-Language` anyway. */
function chosenLanguage({ headers }: RequestContext): Language | null {
  const chosen = readableCookies(headers.cookie ?? '').get(LANGUAGE_COOKIE)
  return isLanguage(chosen) ? chosen : null
}
