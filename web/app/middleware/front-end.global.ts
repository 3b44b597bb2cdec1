import { isReserved } from '#contract/reserved.ts'

/** Where another front end serves the pages that are not reserved, leaving ours takes a full load. */
export default defineNuxtRouteMiddleware(to => {
  if (import.meta.server || useSiteContext().ownPages.value || isReserved(to.path)) return
  return navigateTo(to.fullPath, { external: true })
})
