import type { Exchange } from './exchange.ts'
import { methodNotAllowed } from './problems.ts'
import type { Reply } from './reply.ts'

const KNOWN = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** TRACE would echo cookies back, and what is not ours to route is read-only: a POST to a page would render it. */
export function allowMethods(exchange: Exchange): Reply | undefined {
  const { method, family } = exchange
  if (method === 'GET' || method === 'HEAD') return
  if (family === 'auth' || family === 'api' || family === 'front') return KNOWN.has(method) ? undefined : methodNotAllowed(exchange, [...KNOWN])
  return methodNotAllowed(exchange, ['GET', 'HEAD'])
}
