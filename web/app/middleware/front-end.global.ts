/** Leaving our pages, for an upstream's or another front end's, takes a full load. */
export default defineNuxtRouteMiddleware(to => {
  // The page that was just loaded is ours, or the error page.
  if (import.meta.server || useNuxtApp().isHydrating || useOwnPages()(to.fullPath)) return
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
