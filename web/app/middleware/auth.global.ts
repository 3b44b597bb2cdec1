import { safeReturnTo } from '#contract/return-to.ts'

/** Pages say who may see them: `definePageMeta({ auth: 'user' | 'guest' | 'admin' })`. Sign-in returns to the page. */
export default defineNuxtRouteMiddleware(to => {
  const wanted = to.meta.auth
  if (wanted === undefined) return
  const { user } = useUserSession()
  if (wanted === 'guest') return user.value === null ? undefined : navigateTo(whenSignedIn(to.query), { replace: true })
  if (user.value === null) return navigateTo({ path: '/sign-in', query: { returnTo: to.fullPath } })
  if (wanted === 'admin' && !user.value.roles.includes('admin'))
    return abortNavigation(createError({ statusCode: 404, statusMessage: 'Not Found' }))
})

/** If the person is signed in by now, a provider's failure is shown beside their sign-in methods. */
function whenSignedIn({ returnTo, problem, provider }: ReturnType<typeof useRoute>['query']) {
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
