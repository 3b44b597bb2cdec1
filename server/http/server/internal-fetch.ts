import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import type { Match } from '../../relay/route-matcher.ts'
import { RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from '../response/problem-reply.ts'
import { toResponse } from '../response/reply.ts'
import { runSteps, type Step } from '../steps/pipeline.ts'

interface Deps {
  clock: Clock
  log: Log
  publicUrl: string
  way: readonly Step[]
  match: (path: string) => Match | null
  /** Handles upstreams' routes, and ours by Hono. */
  route: (request: Request, ctx: RequestContext) => Response | Promise<Response>
}

/**
 * Calls our own routes for a rendering page, through the same steps and routes, as the page's caller. Since nothing
 * goes over the network, no header can be forged; cookies that a route sets are sent with the page.
 */
export function internalFetch({ clock, log, publicUrl, way, match, route }: Deps) {
  return async (page: RequestContext, path: string, init: RequestInit = {}): Promise<Response> => {
    if (!path.startsWith('/')) throw new TypeError(`a page can only call paths of this server, and ${path} is none`)
    const [beforeFragment = ''] = path.split('#', 1)
    // The URL is parsed once, so that steps and routes see the same.
    const request = new Request(publicUrl + beforeFragment, init)
    const ctx = new RequestContext({
      id: page.id,
      method: request.method,
      target: request.url.slice(publicUrl.length),
      headers: { ...Object.fromEntries(request.headers), accept: 'application/json', 'sec-fetch-mode': 'cors' },
      startedAt: clock.now().steady,
      parent: page,
      incoming: null,
      network: () => page.client.network,
      match,
    })
    try {
      // Pages and files cannot be called: pages that render each other could recurse forever.
      if (ctx.family !== 'auth' && ctx.family !== 'api') throw new Problem('not_found')
      const reply = await runSteps(way, ctx)
      return reply === undefined ? await route(request, ctx) : toResponse(reply)
    } catch (error) {
      return toResponse(problemReply(ctx, asProblem(error, ctx, log)))
    }
  }
}
