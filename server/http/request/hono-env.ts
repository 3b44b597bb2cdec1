import type { ResponseCookies, Caller } from './caller.ts'
import type { RequestContext } from './request-context.ts'

export interface Variables {
  requestId: string
  /** Set from `authenticate` on: present in every route below /auth/* and /api/*. */
  caller: Caller
  answer: ResponseCookies
}

/** Hono's environment in every route: `new Hono<Env>()`. */
export interface Env {
  Bindings: { ctx: RequestContext }
  Variables: Variables
}
