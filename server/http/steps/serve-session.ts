import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'
import { sessionAnswer } from '../response/session-body.ts'

const HEADERS = ['Content-Type', 'application/json']

/**
 * Answers `GET /auth/session`. Every open tab requests it, so it is a step without the cost of a router and a Response.
 */
export function answerSession(ctx: RequestContext): Reply | undefined {
  const { path, method, caller } = ctx
  if (path !== '/auth/session' || caller === null || (method !== 'GET' && method !== 'HEAD') || ctx.upgrade) return
  return { status: 200, headers: HEADERS, body: JSON.stringify(sessionAnswer(caller)) }
}
