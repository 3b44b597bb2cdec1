import type { IsTrusted } from '../../config/trusted-proxies.ts'
import { isUnder, OWN_PAGES } from '../../contract/reserved.ts'
import { readParent } from '../../ops/tracing/trace-context.ts'
import type { Tracer } from '../../ops/tracing/tracer.ts'
import type { RequestContext } from '../request/request-context.ts'

interface Deps {
  tracer: Tracer
  /** Whether a trusted proxy's parent is followed, because it traces as well. */
  continues: boolean
  isTrusted: IsTrusted
  publicUrl: string
  /** The pattern of a route below `/auth`, such as `/auth/people/:id`; null: none takes the request. */
  patternOf: (method: string, path: string) => string | null
}

/** Requests become spans. */
export interface RequestSpans {
  /** Handles a request as a part of its trace. */
  run(ctx: RequestContext, work: () => void): void
  /** Handles a call of a rendering page as a part of the page's. */
  runCall(ctx: RequestContext, work: () => Promise<Response>): Promise<Response>
  /** @param status null: the connection closed before any response */
  end(ctx: RequestContext, status: number | null, whole: boolean): void
}

/** RFC 9110 §9.3 and RFC 5789; whatever else a client invents is named alike. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'])

/**
 * Names and attributes follow OpenTelemetry's conventions for HTTP, except that there is no path, query, address or
 * user agent among them: paths of APIs identify people, and queries may hold codes.
 */
export function requestSpans({ tracer, continues, isTrusted, publicUrl, patternOf }: Deps): RequestSpans {
  const { protocol, hostname } = new URL(publicUrl)
  const common = { 'url.scheme': protocol.slice(0, -1), 'server.address': hostname }

  function begin(ctx: RequestContext): void {
    const method = METHODS.has(ctx.method) ? ctx.method : '_OTHER'
    const route = routeOf(ctx)
    const name = `${method === '_OTHER' ? 'HTTP' : method} ${route}`
    if (ctx.parent !== null) ctx.span = tracer.begin(ctx.parent.span, name, 'internal')
    else {
      const claimed = readParent(one(ctx, 'traceparent'), one(ctx, 'tracestate'))
      const isFollowed = continues && isTrusted(ctx.remoteAddress ?? '')
      ctx.span = tracer.beginTrace({ name, kind: 'server', parent: isFollowed ? claimed : null })
      if (!isFollowed) ctx.span.link = claimed
    }
    if (ctx.span?.trace.isSampled)
      ctx.span.set({
        'http.request.method': method,
        'http.route': route,
        ...common,
        'porchlight.family': ctx.family,
        'porchlight.request_id': ctx.id,
      })
  }

  function routeOf({ method, path, family, match }: RequestContext): string {
    if (match !== null) return `${match.upstream.prefix}/*`
    if (family === 'auth') return path === '/auth/session' ? path : (patternOf(method, path) ?? '/auth/*')
    if (family === 'api' || family === 'well_known') return family === 'api' ? '/api/*' : '/.well-known/*'
    if (path === '/') return path
    return OWN_PAGES.find(page => isUnder(path, page)) ?? '/*'
  }

  function end({ span, problem }: RequestContext, status: number | null, whole: boolean): void {
    if (span === null) return
    if (status !== null) span.set({ 'http.response.status_code': status })
    if (!whole) span.set({ 'porchlight.aborted': true })
    if (problem !== null) span.set({ 'porchlight.problem': problem })
    // The client's errors are not the server's.
    if (status !== null && status >= 500) span.fail(problem ?? String(status))
    tracer.end(span)
  }

  return {
    run(ctx, work) {
      // Frequent, the same each time, and of no interest.
      if (ctx.family !== 'health' && ctx.family !== 'assets') begin(ctx)
      tracer.run(ctx.span, work)
    },
    async runCall(ctx, work) {
      begin(ctx)
      const response = await tracer.run(ctx.span ?? ctx.parent?.span ?? null, work)
      end(ctx, response.status, true)
      return response
    },
    end,
  }
}

function one({ headers }: RequestContext, name: 'traceparent' | 'tracestate'): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
