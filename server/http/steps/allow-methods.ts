import type { RequestContext } from '../request/request-context.ts'
import { methodNotAllowed } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

const KNOWN = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * An upstream's own list decides which methods reach it. Otherwise, TRACE would echo cookies, and paths that are not
 * routed are read-only, because a POST would render the page.
 */
export function allowMethods(ctx: RequestContext): Reply | undefined {
  const { method, family, match } = ctx
  const listed = match?.upstream.methods ?? null
  if (listed !== null) return listed.includes(method) ? undefined : methodNotAllowed(ctx, listed)
  if (method === 'GET' || method === 'HEAD') return
  if (family === 'auth' || family === 'api' || family === 'front' || family === 'app')
    return KNOWN.includes(method) ? undefined : methodNotAllowed(ctx, KNOWN)
  return methodNotAllowed(ctx, ['GET', 'HEAD'])
}
