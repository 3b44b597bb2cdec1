import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'

/**
 * One step of the request pipeline: it passes the request on, answers it, or throws a Problem. Steps only look at
 * requests; what every response needs is added by its class (server-response.ts), so no step wraps another, which would
 * cost a promise per step.
 */
export type Step = (ctx: RequestContext) => Reply | undefined | Promise<Reply | undefined>

/**
 * Runs the steps in order, creating a promise only if a step does.
 * @returns the first reply, or undefined if every step passed the request on
 */
export function runSteps(
  steps: readonly Step[],
  ctx: RequestContext,
  from = 0,
): Reply | undefined | Promise<Reply | undefined> {
  for (let i = from; i < steps.length; i++) {
    const reply = steps[i]?.(ctx)
    if (reply instanceof Promise) return reply.then(later => later ?? runSteps(steps, ctx, i + 1))
    if (reply !== undefined) return reply
  }
  return undefined
}
