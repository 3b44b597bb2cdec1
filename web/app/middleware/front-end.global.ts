import { isReserved } from '#contract/reserved.ts'

/** Where another front end serves the pages that are not reserved, leaving ours takes a full load. */
export default defineNuxtRouteMiddleware(to => {
  if (import.meta.server || useSiteContext().ownPages.value || isReserved(to.path) || to.meta.reserved === true) return
  return navigateTo(to.fullPath, { external: true })
})

/** A layer keeps a page where another front end serves the rest: `definePageMeta({ reserved: true })`. */
declare module '#app' {
  interface PageMeta {
    reserved?: true
  }
}
declare module 'vue-router' {
  interface RouteMeta {
    reserved?: true
  }
}
