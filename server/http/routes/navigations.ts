import type { Context } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../request/hono-env.ts'
import { isPrefetch } from '../request/prefetch.ts'

/**
 * Protects a GET with side effects: prefetches are refused, and repeated by the browser when the user follows the link.
 * So is HEAD, which link scanners use.
 * @throws Problem `bad_request`
 */
export function refusePrefetch(c: Context<Env>): void {
  if (c.req.method === 'HEAD' || isPrefetch(c.req.header()))
    throw new Problem('bad_request', { detail: 'Prefetching is not allowed here.' })
}

/**
 * Protects a GET that leads to a provider: it must be a top-level navigation, not a script, image or frame (CS-6).
 * @throws Problem `bad_request`
 */
export function mustBeFollowed(c: Context<Env>, detail: string): void {
  const destination = c.req.header('sec-fetch-dest')
  const isFollowed = c.env.ctx.navigation && (destination === undefined || destination === 'document')
  if (!isFollowed) throw new Problem('bad_request', { detail })
}
