/** Pages say who may see them: `definePageMeta({ auth: 'user' | 'guest' | 'admin' })`. Sign-in returns to the page. */
export default defineNuxtRouteMiddleware(to => {
  const wanted = to.meta.auth
  if (wanted === undefined) return
  const { user } = useUserSession()
  if (wanted === 'guest') return user.value === null ? undefined : leaveGuestPage(to.query)
  if (user.value === null) return navigateTo({ path: '/sign-in', query: { returnTo: useReturning().wantedBy(to) } })
  if (wanted === 'admin' && !user.value.roles.includes('admin'))
    return abortNavigation(createError({ statusCode: 404, statusMessage: 'Not Found' }))
})

/** If the person is signed in by now, a provider's failure is shown beside their sign-in methods. */
function leaveGuestPage(query: ReturnType<typeof useRoute>['query']) {
  const { problem, provider } = query
  if (problem !== undefined && provider !== undefined)
    return navigateTo({ path: '/account', query: { problem, provider } }, { replace: true })
  const { read, goTo } = useReturning()
  return goTo(read(query))
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
