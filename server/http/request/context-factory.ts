import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import type { Match } from '../../relay/route-matcher.ts'
import type { Family } from './path-family.ts'
import { RequestContext } from './request-context.ts'

interface Deps {
  clock: Clock
  requestId: (incoming: IncomingMessage) => string
  /** Brings a request's target into origin form, in place (RFC 9112 §3.2). */
  toOriginForm: (incoming: IncomingMessage) => void
  network: (ctx: RequestContext) => string
  match: (path: string) => Match | null
  brand: SiteBrand
  familyOf: (path: string) => Family
}

export interface ContextFactory {
  /** Of a request or an upgrade that arrived on a connection. */
  ofIncoming(incoming: IncomingMessage): RequestContext
  /**
   * Of a call that a page makes while it renders: the page's id, client and answer, and JSON in any case.
   * @param target path and query
   */
  ofPageCall(page: RequestContext, target: string, request: Request): RequestContext
}

/** The only place that makes a `RequestContext`: what a request is does not depend on how it came. */
export function contextFactory({
  clock,
  requestId,
  toOriginForm,
  network,
  match,
  brand,
  familyOf,
}: Deps): ContextFactory {
  return {
    ofIncoming(incoming) {
      toOriginForm(incoming)
      return new RequestContext({
        id: requestId(incoming),
        method: incoming.method ?? 'GET',
        target: incoming.url ?? '',
        headers: incoming.headers,
        startedAt: clock.now().steady,
        parent: null,
        incoming,
        network,
        match,
        brand,
        familyOf,
      })
    },
    ofPageCall: (page, target, request) =>
      new RequestContext({
        id: page.id,
        method: request.method,
        target,
        headers: { ...Object.fromEntries(request.headers), accept: 'application/json', 'sec-fetch-mode': 'cors' },
        startedAt: clock.now().steady,
        parent: page,
        incoming: null,
        network: () => page.client.network,
        match,
        brand,
        familyOf,
      }),
  }
}
