import { abortNavigation, createError, defineNuxtRouteMiddleware, navigateTo, useNuxtApp } from 'nuxt/app'
import { isReserved, isUnder } from '../../../server/contract/reserved.ts'
import { safeReturnTo } from '../../../server/contract/return-to.ts'
import { useSessionState } from './session-state.ts'
import { useUserSession } from './use-user-session.ts'

/** Who may see a page; nobody is asked where it is not given. */
export type PageAuth = 'user' | 'guest' | 'admin'

const SIGN_IN = '/sign-in'

/**
 * Pages say who may see them: `definePageMeta({ auth: 'user' })`. Sign-in returns to the page. Porchlight's own pages are
 * not the application's, so they take a full load.
 */
export default defineNuxtRouteMiddleware(async to => {
  if (isReserved(to.path) && !isUnder(to.path, '/api')) return navigateTo(to.fullPath, { external: true })
  const wanted = to.meta['auth'] as PageAuth | undefined
  if (wanted === undefined) return
  const session = useSessionState()
  const { isHydrating, payload } = useNuxtApp()
  const hydrates = isHydrating && payload.serverRendered === true
  if (session.value === null && import.meta.client && !hydrates)
    await useUserSession()
      .fetch()
      .catch(() => undefined)
  // A page that was made without a visitor is shown as it is, and left once the browser has asked.
  if (session.value === null) return
  const { user } = session.value
  if (wanted === 'guest')
    return user === null ? undefined : navigateTo(safeReturnTo(to.query['returnTo'], []), { external: true })
  if (user === null)
    return navigateTo(`${SIGN_IN}?${new URLSearchParams({ returnTo: to.fullPath })}`, { external: true })
  if (wanted === 'admin' && !user.roles.includes('admin'))
    return abortNavigation(createError({ statusCode: 404, statusMessage: 'Not Found' }))
})
