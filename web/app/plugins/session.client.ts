/** Keeps the page true to the session: sign-ins in other tabs, a computer that slept, and the session's own end. */
export default defineNuxtPlugin({
  name: 'session-watch',
  setup(nuxtApp) {
    const { ready, session, user, fetch } = useUserSession()
    const { now } = useNow()
    let timer: ReturnType<typeof setTimeout> | undefined

    async function leaveForbiddenPage(): Promise<void> {
      const route = useRouter().currentRoute.value
      const wanted = route.meta.auth
      const { read, wantedBy, goTo } = useReturning()
      if (user.value === null && (wanted === 'user' || wanted === 'admin')) {
        await navigateTo({ path: '/sign-in', query: { returnTo: wantedBy(route) } })
      }
      if (user.value !== null && wanted === 'guest') await goTo(read(route.query))
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

    nuxtApp.hook('session:lost', check)
    nuxtApp.hook('app:mounted', () => {
      if (!ready.value) void check()
      watch(session, arm, { immediate: true })
      onOtherTab(() => void check())
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState !== 'visible') return
        now.value = Date.now()
        void check()
      })
      // The browser's back-forward cache shows who was signed in then.
      window.addEventListener('pageshow', event => {
        if (event.persisted) void check()
      })
    })
  },
})
