import type { H3Event } from 'h3'
import { SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '#contract/site-context.ts'

const onRequest = Symbol.for(SITE_CONTEXT)
const storage = Symbol.for(SITE_CONTEXT_STORAGE)

/**
 * What the server knows about the request. Null if the response is not for one visitor: while prerendering, and on a
 * cached route, which would show one person's page to everybody.
 */
export function findSiteContext(event: H3Event): SiteContext | null {
  if (import.meta.prerender || getRouteRules(event).cache) return null
  if (import.meta.dev) return developmentContext(event)
  const carried = (event.node.req as { [onRequest]?: SiteContext })[onRequest]
  if (carried !== undefined) return carried
  // The error page is a request of its own, so only the storage still has the context.
  const stored = (globalThis as { [storage]?: { getStore(): SiteContext | undefined } })[storage]
  return stored?.getStore() ?? null
}
