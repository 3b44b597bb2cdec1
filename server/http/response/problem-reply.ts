import type { Log } from '../../base/log.ts'
import { peerOf } from '../../base/peer.ts'
import { Problem } from '../../base/problem.ts'
import { logSecurity } from '../../base/security-log.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { RequestContext } from '../request/request-context.ts'
import { plainPage } from './plain-page.ts'
import type { Reply } from './reply.ts'
import { loggedPath } from '../request/request-log.ts'

/**
 * The one writer of error answers (RFC 9457): JSON for scripts, a page of its own for a person whose browser navigates.
 * @param headers further ones, names and values in turn
 */
export function problemReply(ctx: RequestContext, problem: Problem, headers: readonly string[] = []): Reply {
  const all = [...headers]
  const { retryAfter } = problem.extras
  if (retryAfter !== undefined) all.push('Retry-After', String(Math.ceil(retryAfter)))
  const { maxAge } = problem.extras
  // RFC 9470 §3: how a client learns that signing in again would help.
  if (maxAge !== undefined)
    all.push('WWW-Authenticate', `Bearer error="insufficient_user_authentication", max_age="${maxAge}"`)
  if (ctx.navigation) {
    const page = plainPage(ctx, problem)
    all.push('Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', page.policy)
    return { status: problem.status, headers: all, body: page.html }
  }
  all.push('Content-Type', 'application/problem+json')
  return { status: problem.status, headers: all, body: JSON.stringify(problem.body(ctx.id)) }
}

export function methodNotAllowed(ctx: RequestContext, allowed: readonly string[]): Reply {
  return problemReply(ctx, new Problem('method_not_allowed'), ['Allow', allowed.join(', ')])
}

/** Somebody asked for what they may not have, or another site asked in their name (ASVS 16.3.2). */
const DENIALS: ReadonlySet<ProblemCode> = new Set([
  'forbidden',
  'cross_origin',
  'reauthentication_required',
  'insufficient_user_authentication',
])

/**
 * Makes a Problem of whatever was thrown. What nobody foresaw is logged whole and told as `internal`: no stack leaves.
 */
export function asProblem(error: unknown, ctx: RequestContext, log: Log): Problem {
  const context = { requestId: ctx.id, method: ctx.method, path: loggedPath(ctx.path) }
  if (error instanceof Problem) {
    if (DENIALS.has(error.code)) {
      const { caller, client, id } = ctx
      logSecurity(log, {
        event: 'access_denied',
        outcome: 'denied',
        reason: error.code,
        accountId: caller?.signedIn?.user.id,
        network: peerOf(client.network),
        requestId: id,
      })
    }
    if (error.status >= 500) log.warn({ ...context, code: error.code, error: error.cause }, error.message)
    return error
  }
  // Somebody who goes away in the middle of their own body is no failure of ours, and nobody is there to be told.
  if (ctx.incoming?.destroyed === true && !ctx.incoming.complete) return new Problem('bad_request', {}, error)
  log.error({ ...context, error }, 'request failed unexpectedly')
  return new Problem('internal', {}, error)
}
