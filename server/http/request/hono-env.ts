import type { Answer, Caller } from './caller.ts'
import type { Exchange } from './request-context.ts'

export interface Variables {
  requestId: string
  /** Set from `identify` on: every route under /auth/* and /api/* has it. */
  caller: Caller
  answer: Answer
}

/** Hono's environment in every route: `new Hono<Env>()`. */
export interface Env { Bindings: { exchange: Exchange }, Variables: Variables }
