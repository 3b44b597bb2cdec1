import type { H3Event } from 'h3'
import { getRouteRules } from 'nitropack/runtime'
import { SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '../../../server/contract/site-context.ts'
import { developmentContext } from './development-context.ts'

const onRequest = Symbol.for(SITE_CONTEXT)
const storage = Symbol.for(SITE_CONTEXT_STORAGE)

/**
 * What the server knows about the request. Null if the response is not for one visitor: while prerendering, and on a
 * cached route, which would show one person's page to everybody.
 */
export function findSiteContext(event: H3Event): SiteContext | null {
  if (import.meta.prerender || getRouteRules(event).cache) return null
  return import.meta.dev ? developmentContext(event) : carriedContext(event)
}

/** What a page that is kept for everybody has in place of a nonce, which belongs to one response. */
export function findSharedNonce(event: H3Event): string | null {
  if (import.meta.prerender || import.meta.dev) return null
  return carriedContext(event)?.sharedNonce ?? null
}

function carriedContext(event: H3Event): SiteContext | null {
  const carried = (event.node.req as { [onRequest]?: SiteContext })[onRequest]
  if (carried !== undefined) return carried
  // The error page is a request of its own, so only the storage still has the context.
  const stored = (globalThis as { [storage]?: { getStore(): SiteContext | undefined } })[storage]
  return stored?.getStore() ?? null
}
