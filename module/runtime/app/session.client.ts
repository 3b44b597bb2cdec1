import { defineNuxtPlugin, navigateTo, reloadNuxtApp, useRouter } from 'nuxt/app'
import { watch } from 'vue'
import { waitUntilEnd } from './session-end.ts'
import { onOtherTab } from './tabs.ts'
import { useUserSession } from './use-user-session.ts'

/** Keeps the page true to the session: sign-ins in other tabs, a computer that slept, and the session's own end. */
export default defineNuxtPlugin({
  name: 'porchlight:session-watch',
  setup(nuxtApp) {
    const { ready, session, user, fetch } = useUserSession()
    let timer: ReturnType<typeof setTimeout> | undefined

    async function leaveForbiddenPage(): Promise<void> {
      const route = useRouter().currentRoute.value
      const wanted = route.meta['auth']
      const forbidden = wanted === 'guest' ? user.value !== null : wanted !== undefined && user.value === null
      if (!forbidden) return
      const target =
        wanted === 'guest' ? '/' : `/sign-in?${new URLSearchParams({ returnTo: route.fullPath }).toString()}`
      await navigateTo(target, { external: true })
    }
    async function check(): Promise<void> {
      const before = user.value?.id
      try {
        await fetch({ background: true })
      } catch {
        // Nothing is known, so nothing changes until the next check.
        return
      }
      // Somebody else signed in: nothing on this page is theirs, including what was typed.
      if (before !== undefined && user.value !== null && user.value.id !== before) return reloadNuxtApp()
      await nuxtApp.runWithContext(leaveForbiddenPage)
    }
    function arm(): void {
      clearTimeout(timer)
      if (session.value === null) return
      timer = setTimeout(() => void check().finally(arm), waitUntilEnd(session.value, Date.now()))
    }

    nuxtApp.hook('app:mounted', () => {
      if (!ready.value) void check()
      watch(session, arm, { immediate: true })
      onOtherTab(() => void check())
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') void check()
      })
      // The browser's back-forward cache shows who was signed in then.
      window.addEventListener('pageshow', event => {
        if (event.persisted) void check()
      })
    })
  },
})
