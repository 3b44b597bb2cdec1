import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'

/**
 * One step of a request's way: it lets the request pass, answers it, or throws the Problem that ends it. Steps only
 * look at requests. What every answer carries is the writer's (answering.ts), so no step wraps another: an onion of
 * middleware would cost a promise for each skin.
 */
export type Step = (ctx: RequestContext) => Reply | undefined | Promise<Reply | undefined>

/**
 * Walks the list in order; a promise is made only when a step makes one.
 * @returns the first answer, or undefined when every step let the request pass
 */
export function runSteps(
  way: readonly Step[],
  ctx: RequestContext,
  from = 0,
): Reply | undefined | Promise<Reply | undefined> {
  for (let i = from; i < way.length; i++) {
    const reply = way[i]?.(ctx)
    if (reply instanceof Promise) return reply.then(later => later ?? runSteps(way, ctx, i + 1))
    if (reply !== undefined) return reply
  }
  return undefined
}
