/**
 * Pages say who they are for: `definePageMeta({ auth: 'user' | 'guest' | 'admin' })`. The page that somebody wanted is
 * kept.
 */
export default defineNuxtRouteMiddleware(to => {
  const wanted = to.meta.auth
  if (wanted === undefined) return
  const { user } = useUserSession()
  if (wanted === 'guest') return user.value === null ? undefined : navigateTo(pastTheDoor(to.query), { replace: true })
  if (user.value === null) return navigateTo({ path: '/sign-in', query: { returnTo: to.fullPath } })
  if (wanted === 'admin' && !user.value.roles.includes('admin'))
    return abortNavigation(createError({ statusCode: 404, statusMessage: 'Not Found' }))
})

/** Whoever is signed in goes on; what went wrong at a provider meanwhile is told where ways in are looked after. */
function pastTheDoor({ returnTo, problem, provider }: ReturnType<typeof useRoute>['query']) {
  return problem !== undefined && provider !== undefined
    ? { path: '/account', query: { problem, provider } }
    : safeReturnTo(returnTo)
}

declare module '#app' {
  interface PageMeta {
    auth?: 'user' | 'guest' | 'admin'
  }
}
declare module 'vue-router' {
  interface RouteMeta {
    auth?: 'user' | 'guest' | 'admin'
  }
}
