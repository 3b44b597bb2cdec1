import type { Log } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import type { ContextFactory } from '../request/context-factory.ts'
import type { RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from '../response/problem-reply.ts'
import { toResponse } from '../response/reply.ts'
import type { RequestSpans } from './request-spans.ts'
import { runSteps, type Step } from '../steps/pipeline.ts'

interface Deps {
  log: Log
  publicUrl: string
  contexts: ContextFactory
  steps: readonly Step[]
  /** Handles upstreams' routes, and ours by Hono. */
  route: (request: Request, ctx: RequestContext) => Response | Promise<Response>
  /** null: requests are not traced. */
  spans: RequestSpans | null
}

/**
 * Calls our own routes for a rendering page, through the same steps and routes, as the page's caller. Since nothing
 * goes over the network, no header can be forged; cookies that a route sets are sent with the page.
 */
export function internalFetch({ log, publicUrl, contexts, steps, route, spans }: Deps) {
  async function answer(request: Request, ctx: RequestContext): Promise<Response> {
    try {
      // Pages and files cannot be called: pages that render each other could recurse forever.
      if (ctx.family !== 'auth' && ctx.family !== 'api') throw new Problem('not_found')
      const reply = await runSteps(steps, ctx)
      return reply === undefined ? await route(request, ctx) : toResponse(reply)
    } catch (error) {
      return toResponse(problemReply(ctx, asProblem(error, ctx, log)))
    }
  }

  return async (page: RequestContext, path: string, init: RequestInit = {}): Promise<Response> => {
    if (!path.startsWith('/')) throw new TypeError(`a page can only call paths of this server, and ${path} is none`)
    const [beforeFragment = ''] = path.split('#', 1)
    // The URL is parsed once, so that steps and routes see the same.
    const request = new Request(publicUrl + beforeFragment, init)
    const ctx = contexts.ofPageCall(page, request.url.slice(publicUrl.length), request)
    const work = () => answer(request, ctx)
    return spans === null ? work() : spans.runCall(ctx, work)
  }
}
