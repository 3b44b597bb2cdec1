import { watchSession } from '../../../module/runtime/app/watch-session'

export default defineNuxtPlugin({
  name: 'session-watch',
  setup(nuxtApp) {
    const session = useUserSession()
    const { user } = session
    const { now } = useNow()

    async function leaveForbiddenPage(): Promise<void> {
      const route = useRouter().currentRoute.value
      const wanted = route.meta.auth
      const { read, wantedBy, goTo } = useReturning()
      if (user.value === null && (wanted === 'user' || wanted === 'admin')) {
        await navigateTo({ path: '/sign-in', query: { returnTo: wantedBy(route) } })
      }
      if (user.value !== null && wanted === 'guest') await goTo(read(route.query))
    }
    const check = watchSession(nuxtApp, {
      ...session,
      leaveForbiddenPage,
      onShown() {
        now.value = Date.now()
      },
    })
    nuxtApp.hook('session:lost', check)
  },
})
