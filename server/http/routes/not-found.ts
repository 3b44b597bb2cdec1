import type { Context } from 'hono'
import { METHODS } from 'hono/router'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../request/hono-env.ts'
import { methodNotAllowed, problemReply } from '../response/problem-reply.ts'
import { toResponse } from '../response/reply.ts'

type Matches = (method: string, path: string) => boolean

/** The end of every family: an unmatched path is 404, or 405 if another method would have matched. */
export function notFound(matches: Matches) {
  return (c: Context<Env>): Response => {
    const { ctx } = c.env
    const others = METHODS.map(method => method.toUpperCase()).filter(method => matches(method, ctx.path))
    // Hono answers HEAD with the route of GET.
    if (others.includes('GET')) others.push('HEAD')
    return toResponse(
      others.length > 0 && !others.includes(ctx.method)
        ? methodNotAllowed(ctx, others)
        : problemReply(ctx, new Problem('not_found')),
    )
  }
}
