/** Pages say who they are for: `definePageMeta({ auth: 'user' | 'guest' | 'admin' })`. The page that somebody wanted is kept. */
export default defineNuxtRouteMiddleware((to) => {
  const wanted = to.meta.auth
  if (wanted === undefined) return
  const { user } = useUserSession()
  if (wanted === 'guest') return user.value === null ? undefined : navigateTo(safeReturnTo(to.query.returnTo), { replace: true })
  if (user.value === null) return navigateTo({ path: '/sign-in', query: { returnTo: to.fullPath } })
  if (wanted === 'admin' && !user.value.roles.includes('admin')) return abortNavigation(createError({ statusCode: 404, statusMessage: 'Not Found' }))
})

declare module '#app' {
  interface PageMeta { auth?: 'user' | 'guest' | 'admin' }
}
declare module 'vue-router' {
  interface RouteMeta { auth?: 'user' | 'guest' | 'admin' }
}
