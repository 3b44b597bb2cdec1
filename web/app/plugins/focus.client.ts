/** After a change of page the focus goes to its content, as after a full load; the title is announced by Nuxt. */
export default defineNuxtPlugin({
  name: 'focus',
  setup(nuxtApp) {
    const router = useRouter()
    let moved = false
    router.afterEach((to, from) => {
      moved = from.matched.length > 0 && to.path !== from.path
    })
    nuxtApp.hook('page:finish', () => {
      if (!moved) return
      moved = false
      document.getElementById('main')?.focus({ preventScroll: true })
    })
  },
})
