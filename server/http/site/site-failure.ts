import { Problem } from '../../base/problem.ts'
import { PROBLEMS, type ProblemCode } from '../../contract/problem-codes.ts'
import type { FailedPage, SiteFailure } from '../../contract/site-context.ts'
import type { RequestContext } from '../request/request-context.ts'
import { problemReply } from '../response/problem-reply.ts'

/** What a status of the site's code is called here, where it says no more than the status. */
const CODES: Record<number, ProblemCode> = {
  401: 'not_signed_in',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
  429: 'slow_down',
}

/** The answer for a page that failed: a plain page for a person, JSON for a script, as every other error has it. */
export function failedPage(ctx: RequestContext, { status, data }: SiteFailure): FailedPage {
  // The policy of the page that was begun would let nothing of a plain one show.
  ctx.contentSecurityPolicy = null
  ctx.compression = null
  const code = codeOf(status, data)
  const { headers, body } = problemReply(ctx, new Problem(code))
  if (ctx.navigation) return { status, headers, body: String(body) }
  // A status that only the site's own code knows stays, and so does what it says to its own scripts.
  const said = {
    ...(JSON.parse(String(body)) as object),
    status,
    ...(data === undefined || status >= 500 ? {} : { data }),
  }
  return { status, headers, body: JSON.stringify(said) }
}

function codeOf(status: number, data: unknown): ProblemCode {
  const named = (data as { code?: unknown } | undefined)?.code
  if (typeof named === 'string' && Object.hasOwn(PROBLEMS, named) && PROBLEMS[named as ProblemCode].status === status)
    return named as ProblemCode
  return CODES[status] ?? (status < 500 ? 'bad_request' : 'internal')
}
