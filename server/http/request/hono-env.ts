import type { ResponseCookies, Caller } from './caller.ts'
import type { RequestContext } from './request-context.ts'

export interface Variables {
  requestId: string
  /** Set from `identify` on: every route under /auth/* and /api/* has it. */
  caller: Caller
  answer: ResponseCookies
}

/** Hono's environment in every route: `new Hono<Env>()`. */
export interface Env {
  Bindings: { ctx: RequestContext }
  Variables: Variables
}
