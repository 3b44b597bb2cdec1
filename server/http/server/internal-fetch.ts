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
  /** Upstreams' routes, and ours as Hono serves them. */
  route: (request: Request, ctx: RequestContext) => Response | Promise<Response>
}

/**
 * Calls our own routes for a page that is rendering: the same list of steps and the same routes, as the page's caller.
 * Nothing is sent, so there is no header that a client could forge; cookies that a route decides on leave with the
 * page.
 */
export function internalFetch({ clock, log, publicUrl, way, match, route }: Deps) {
  return async (page: RequestContext, path: string, init: RequestInit = {}): Promise<Response> => {
    if (!path.startsWith('/')) throw new TypeError(`a page can only call paths of this server, and ${path} is none`)
    const [beforeFragment = ''] = path.split('#', 1)
    // One URL is parsed, and what the steps judge is what the routes see.
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
      // Pages and files are not for calling: one page rendering another could go on for ever.
      if (ctx.family !== 'auth' && ctx.family !== 'api') throw new Problem('not_found')
      const reply = await runSteps(way, ctx)
      return reply === undefined ? await route(request, ctx) : toResponse(reply)
    } catch (error) {
      return toResponse(problemReply(ctx, asProblem(error, ctx, log)))
    }
  }
}
