import type { H3Event } from 'h3'
import { getRouteRules } from 'nitropack/runtime'
import { SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '../../../server/contract/site-context.ts'
import { developmentContext } from './development-context.ts'
import { callerOf } from './visitor.ts'

const onRequest = Symbol.for(SITE_CONTEXT)
const storage = Symbol.for(SITE_CONTEXT_STORAGE)
const ERROR_PAGE = /^\/(?:[^?]*\/)?__nuxt_error(?:\?|$)/

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

/**
 * What the server knows of whoever gets the answer to a failed request, which nothing keeps. Null while prerendering.
 */
export function findErrorContext(event: H3Event): SiteContext | null {
  if (import.meta.prerender) return null
  return import.meta.dev ? developmentContext(event) : (requestContext(event) ?? runningContext())
}

function carriedContext(event: H3Event): SiteContext | null {
  // The error page is a request of its own.
  return requestContext(event) ?? callerOf(event) ?? (ERROR_PAGE.test(event.path) ? runningContext() : null)
}

function requestContext(event: H3Event): SiteContext | null {
  return (event.node.req as { [onRequest]?: SiteContext })[onRequest] ?? null
}

/** Also there for what is kept for everybody, while somebody waits for it. */
function runningContext(): SiteContext | null {
  return (globalThis as { [storage]?: { getStore(): SiteContext | undefined } })[storage]?.getStore() ?? null
}
