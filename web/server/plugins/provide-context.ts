import { createFetch } from 'ofetch'
import type { H3Event } from 'h3'
import { isUnderAny } from '#contract/reserved.ts'
import type { SiteContext } from '#contract/site-context.ts'

/**
 * Gives every request its context, and makes `useFetch('/auth/…')` reach the server in this process: no hop, and no
 * header that a client could forge.
 */
export default defineNitroPlugin(nitro => {
  nitro.hooks.hook('request', event => {
    const context = findSiteContext(event)
    if (context === null) return
    event.context.porchlight = context
    // Else Nitro makes a copy for each page, with a look into the environment for every value in it: a twentieth of its
    // time.
    event.context.nitro.runtimeConfig = useRuntimeConfig()
    const local = event.fetch
    const inProcess = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const path = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
      return isUnderAny(path, context.answered) ? context.fetch(path, init) : local(path, init)
    }
    event.fetch = inProcess as H3Event['fetch']
    event.$fetch = createFetch({ fetch: inProcess, Headers }) as H3Event['$fetch']
  })
})

declare module 'h3' {
  interface H3EventContext {
    porchlight?: SiteContext
  }
}
