import { defineNuxtPlugin, navigateTo, useRouter } from 'nuxt/app'
import { useUserSession } from './use-user-session.ts'
import { watchSession } from './watch-session.ts'

export default defineNuxtPlugin({
  name: 'porchlight:session-watch',
  setup(nuxtApp) {
    const session = useUserSession()
    const { user } = session

    async function leaveForbiddenPage(): Promise<void> {
      const route = useRouter().currentRoute.value
      const wanted = route.meta['auth']
      const forbidden = wanted === 'guest' ? user.value !== null : wanted !== undefined && user.value === null
      if (!forbidden) return
      const target =
        wanted === 'guest' ? '/' : `/sign-in?${new URLSearchParams({ returnTo: route.fullPath }).toString()}`
      await navigateTo(target, { external: true })
    }
    watchSession(nuxtApp, { ...session, leaveForbiddenPage })
  },
})
