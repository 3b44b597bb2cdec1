const EVERY_MS = 30_000

export default defineNuxtPlugin({
  name: 'now',
  setup(nuxtApp) {
    const { now } = useNow()
    nuxtApp.hook('app:mounted', () => {
      setInterval(() => {
        if (document.visibilityState === 'visible') now.value = Date.now()
      }, EVERY_MS)
    })
  },
})
