import type { H3Event } from 'h3'
import { DEV_CONTEXT_HEADER, DEV_SECRET_VARIABLE, decodeDevContext, SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '#contract/site.ts'

const onRequest = Symbol.for(SITE_CONTEXT)
const storage = Symbol.for(SITE_CONTEXT_STORAGE)

/** What the server that carries this site knows about the request. Null while prerendering, and when the site runs alone.
 * The error page is rendered by a request of its own: only the storage still knows whose it is. */
export function findSiteContext(event: H3Event): SiteContext | null {
  if (import.meta.dev) return fromDevServer(event)
  const carried = (event.node.req as { [onRequest]?: SiteContext })[onRequest]
  if (carried !== undefined) return carried
  const stored = (globalThis as { [storage]?: { getStore(): SiteContext | undefined } })[storage]
  return stored?.getStore() ?? null
}

/** While developing, pages render in a worker: the context comes in a header, and calls go back over HTTP. */
function fromDevServer(event: H3Event): SiteContext | null {
  const header = event.node.req.headers[DEV_CONTEXT_HEADER]
  const context = typeof header === 'string' ? decodeDevContext(header) : null
  if (context === null || context.secret !== process.env[DEV_SECRET_VARIABLE]) return null
  const { session, nonce, ownPages, form, origin, key } = context
  return {
    session,
    nonce,
    ownPages,
    form,
    fetch: (path, init) => fetch(origin + path, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), [DEV_CONTEXT_HEADER]: key } }),
    setCookie: value => appendResponseHeader(event, 'set-cookie', value),
  }
}
