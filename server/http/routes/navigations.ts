import type { Context } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../request/hono-env.ts'
import { isPrefetch } from '../request/prefetch.ts'

/**
 * For a GET that does something: a browser that asks ahead of its person is refused, and asks again when they go there.
 * So is HEAD, by which scanners of links look at what they find.
 * @throws Problem `bad_request`
 */
export function refusePrefetch(c: Context<Env>): void {
  if (c.req.method === 'HEAD' || isPrefetch(c.req.header()))
    throw new Problem('bad_request', { detail: 'Prefetching is not allowed here.' })
}

/**
 * For a GET that leads to a provider: a person goes there with their whole window; no script, no picture and no frame
 * does (CS-6).
 * @throws Problem `bad_request`
 */
export function mustBeFollowed(c: Context<Env>, detail: string): void {
  const destination = c.req.header('sec-fetch-dest')
  const isFollowed = c.env.ctx.navigation && (destination === undefined || destination === 'document')
  if (!isFollowed) throw new Problem('bad_request', { detail })
}
