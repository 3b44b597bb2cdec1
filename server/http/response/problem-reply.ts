import type { Log } from '../../base/log.ts'
import { peerOf } from '../../base/peer.ts'
import { Problem } from '../../base/problem.ts'
import { logSecurity } from '../../base/security-log.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { RequestContext } from '../request/request-context.ts'
import { plainPage } from './plain-page.ts'
import type { Reply } from './reply.ts'
import { loggedPath } from '../request/request-log.ts'

/** What an error response depends on. */
type ProblemContext = Pick<RequestContext, 'id' | 'headers' | 'navigation' | 'brand' | 'wayOn' | 'problem'>

/**
 * The only place that creates error responses (RFC 9457): JSON for scripts, a plain page for navigations.
 * @param headers additional ones, alternating names and values
 */
export function problemReply(ctx: ProblemContext, problem: Problem, headers: readonly string[] = []): Reply {
  ctx.problem = problem.code
  const all = [...headers]
  const { retryAfter } = problem.extras
  if (retryAfter !== undefined) all.push('Retry-After', String(Math.ceil(retryAfter)))
  if (problem.code === 'insufficient_user_authentication') all.push('WWW-Authenticate', challengeOf(problem))
  if (ctx.navigation) {
    const page = plainPage(ctx, problem)
    all.push('Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', page.policy)
    return { status: problem.status, headers: all, body: page.html }
  }
  all.push('Content-Type', 'application/problem+json')
  return { status: problem.status, headers: all, body: JSON.stringify(problem.body(ctx.id)) }
}

/** RFC 9470 §3: tells the client what would help, by signing in again or with more factors. */
function challengeOf({ extras: { acr, maxAge } }: Problem): string {
  const challenge = ['error="insufficient_user_authentication"']
  if (acr !== undefined) challenge.push(`acr_values="${acr}"`)
  if (maxAge !== undefined) challenge.push(`max_age="${maxAge}"`)
  return `Bearer ${challenge.join(', ')}`
}

export function methodNotAllowed(ctx: RequestContext, allowed: readonly string[]): Reply {
  return problemReply(ctx, new Problem('method_not_allowed'), ['Allow', allowed.join(', ')])
}

/** A request for something not allowed, or forged by another site (ASVS 16.3.2). */
const DENIALS: ReadonlySet<ProblemCode> = new Set([
  'forbidden',
  'cross_origin',
  'reauthentication_required',
  'insufficient_user_authentication',
  'second_factor_required',
])

/**
 * Converts anything thrown to a Problem. Unexpected errors are logged in full and reported as `internal`, so that no
 * stack leaves the server.
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
    if (error.status >= 500)
      log.warn({ event: 'request_failed', ...context, code: error.code, error: error.cause }, error.message)
    return error
  }
  // A client that disconnects while sending its body is not our failure, and receives no response.
  if (ctx.incoming?.destroyed === true && !ctx.incoming.complete) return new Problem('bad_request', {}, error)
  log.error({ event: 'request_failed', ...context, error }, 'request failed unexpectedly')
  return new Problem('internal', {}, error)
}
