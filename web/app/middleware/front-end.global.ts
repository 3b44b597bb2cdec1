import { isReserved } from '#contract/reserved.ts'

/** Where another front end has taken our pages' place, a way out of the reserved ones leads to it: by a full load. */
export default defineNuxtRouteMiddleware(to => {
  if (import.meta.server || useOwnPages().value || isReserved(to.path)) return
  return navigateTo(to.fullPath, { external: true })
})
