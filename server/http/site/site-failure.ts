import { Problem } from '../../base/problem.ts'
import { PROBLEMS, type ProblemCode } from '../../contract/problem-codes.ts'
import type { FailedPage, SiteFailure } from '../../contract/site-context.ts'
import type { RequestContext } from '../request/request-context.ts'
import { problemReply } from '../response/problem-reply.ts'

/** The problem codes for statuses of the site's code that come without one. */
const CODES: Record<number, ProblemCode> = {
  401: 'not_signed_in',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
  429: 'slow_down',
}

/** The response for a page that failed: a plain page for navigations, JSON for scripts, as for every other error. */
export function failedPage(ctx: RequestContext, { status, data }: SiteFailure): FailedPage {
  // The policy of the page that had begun to render would block the plain page's style.
  ctx.contentSecurityPolicy = null
  ctx.compression = null
  const code = codeOf(status, data)
  const { headers, body } = problemReply(ctx, new Problem(code))
  if (ctx.navigation) return { status, headers, body: String(body) }
  // A status without an equivalent here is kept, and so are the fields for the site's own scripts.
  const json = {
    ...(JSON.parse(String(body)) as object),
    status,
    ...(data === undefined || status >= 500 ? {} : { data }),
  }
  return { status, headers, body: JSON.stringify(json) }
}

function codeOf(status: number, data: unknown): ProblemCode {
  const named = (data as { code?: unknown } | undefined)?.code
  if (typeof named === 'string' && Object.hasOwn(PROBLEMS, named) && PROBLEMS[named as ProblemCode].status === status)
    return named as ProblemCode
  return CODES[status] ?? (status < 500 ? 'bad_request' : 'internal')
}
