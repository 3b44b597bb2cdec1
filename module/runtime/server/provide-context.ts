import { createFetch } from 'ofetch'
import type { H3Event } from 'h3'
import { defineNitroPlugin } from 'nitropack/runtime'
import { isUnderAny } from '../../../server/contract/reserved.ts'
import type { SiteContext } from '../../../server/contract/site-context.ts'
import { findSharedNonce, findSiteContext } from './find-site-context.ts'
import { onBehalfOf, rememberContext } from './visitor.ts'

/**
 * Gives every request its context, and lets `useFetch('/auth/…')` call the server in-process, without a header that a
 * client could forge.
 */
export default defineNitroPlugin(nitro => {
  nitro.hooks.hook('request', event => {
    const context = findSiteContext(event)
    event.context.porchlightNonce = context?.nonce ?? findSharedNonce(event)
    if (context === null) return
    rememberContext(event, context)
    const local = event.fetch
    const inProcess = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const path = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
      if (isUnderAny(path, context.answered)) return context.fetch(path, init)
      return local(path, { ...init, context: onBehalfOf(event, context) } as RequestInit)
    }
    event.fetch = inProcess as H3Event['fetch']
    event.$fetch = createFetch({ fetch: inProcess, Headers }) as H3Event['$fetch']
  })
  if (import.meta.dev) {
    nitro.hooks.hook('render:response', ({ headers = {} }, { event }) => {
      const policy = event.context.porchlight?.policy ?? null
      if (policy !== null) headers['content-security-policy'] = policy
    })
  }
})

declare module 'h3' {
  interface H3EventContext {
    porchlight?: SiteContext
    /** Null: the page is made at build time. */
    porchlightNonce?: string | null
  }
}
