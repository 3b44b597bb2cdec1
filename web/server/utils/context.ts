import type { H3Event } from 'h3'
import { SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '#contract/site.ts'

const onRequest = Symbol.for(SITE_CONTEXT)
const storage = Symbol.for(SITE_CONTEXT_STORAGE)

/** What the server that carries this site knows about the request. Null while prerendering, and when the site runs alone.
 * The error page is rendered by a request of its own: only the storage still knows whose it is. */
export function findSiteContext(event: H3Event): SiteContext | null {
  const carried = (event.node.req as { [onRequest]?: SiteContext })[onRequest]
  if (carried !== undefined) return carried
  const stored = (globalThis as { [storage]?: { getStore(): SiteContext | undefined } })[storage]
  return stored?.getStore() ?? null
}
