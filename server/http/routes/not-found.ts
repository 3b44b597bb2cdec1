import type { Context } from 'hono'
import { METHODS } from 'hono/router'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../request/hono-env.ts'
import { methodNotAllowed, problemReply } from '../response/problem-reply.ts'
import { toResponse } from '../response/reply.ts'

/** The pattern of the route that takes a path by a method, such as `/auth/sessions/:id`. */
type PatternOf = (method: string, path: string) => string | undefined

/** The end of every family: an unmatched path is 404, or 405 if another method would have matched. */
export function notFound(patternOf: PatternOf) {
  return (c: Context<Env>): Response => {
    const { ctx } = c.env
    const methods = methodsAt(ctx.path, patternOf)
    return toResponse(
      methods.length > 0 && !methods.includes(ctx.method)
        ? methodNotAllowed(ctx, methods)
        : problemReply(ctx, new Problem('not_found')),
    )
  }
}

/** Those of the routes that name the path, or, if none does, of those that match it by a parameter. */
function methodsAt(path: string, patternOf: PatternOf): string[] {
  const routes = METHODS.map(name => name.toUpperCase()).flatMap(method => {
    const pattern = patternOf(method, path)
    return pattern === undefined ? [] : [{ method, named: !pattern.includes(':') }]
  })
  const methods = routes.filter(({ named }) => named || !routes.some(other => other.named)).map(({ method }) => method)
  // Hono answers HEAD with the route of GET.
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}
