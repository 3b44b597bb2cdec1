import type { RequestContext } from '../request/request-context.ts'
import { methodNotAllowed } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

const KNOWN = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * What an upstream lists is what reaches it, whatever else HTTP knows. Elsewhere TRACE would echo cookies back, and
 * what is not ours to route is read-only: a POST to a page would render it.
 */
export function allowMethods(ctx: RequestContext): Reply | undefined {
  const { method, family, match } = ctx
  const listed = match?.upstream.methods ?? null
  if (listed !== null) return listed.includes(method) ? undefined : methodNotAllowed(ctx, listed)
  if (method === 'GET' || method === 'HEAD') return
  if (family === 'auth' || family === 'api' || family === 'front')
    return KNOWN.includes(method) ? undefined : methodNotAllowed(ctx, KNOWN)
  return methodNotAllowed(ctx, ['GET', 'HEAD'])
}
