import { isReserved } from '#contract/reserved.ts'

/** Where another front end serves the pages that are not reserved, leaving ours takes a full load. */
export default defineNuxtRouteMiddleware(to => {
  if (import.meta.server || useSiteContext().ownPages.value || isReserved(to.path) || to.meta.reserved === true) return
  return navigateTo(to.fullPath, { external: true })
})

/** A layer's page that no front end takes the place of says so: `definePageMeta({ reserved: true })`. */
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
