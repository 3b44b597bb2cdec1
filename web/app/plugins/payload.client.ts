/** The server's data for the page holds who is signed in; once hydrated, it must not outlive a sign-out in the page. */
export default defineNuxtPlugin({
  name: 'payload',
  setup(nuxtApp) {
    nuxtApp.hook('app:mounted', () => document.getElementById('__NUXT_DATA__')?.remove())
  },
})
