/** Moves the focus to the content of a new page, as a full load would; Nuxt announces its title. */
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
