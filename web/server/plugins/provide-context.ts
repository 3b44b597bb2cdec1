import { createFetch } from 'ofetch'
import type { H3Event } from 'h3'
import { isUnderAny } from '#contract/reserved.ts'
import type { SiteContext } from '#contract/site-context.ts'

/**
 * Gives every request its context, and lets `useFetch('/auth/…')` call the server in-process, without a header that a
 * client could forge.
 */
export default defineNitroPlugin(nitro => {
  nitro.hooks.hook('request', event => {
    const context = findSiteContext(event)
    if (context === null) return
    event.context.porchlight = context
    // Otherwise Nitro copies the configuration for each page and looks up every value in the environment, which takes 5 %
    // of the render.
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
