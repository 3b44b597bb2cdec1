/** Puts who is signed in into the first byte of the page, from what the server knows already. */
export default defineNuxtPlugin({
  name: 'session',
  enforce: 'pre',
  setup(nuxtApp) {
    const context = nuxtApp.ssrContext?.event.context.porchlight
    if (!context) return
    useSessionState().value = context.session
    useKeptForm().value = context.form
    useOwnPages().value = context.ownPages
  },
})
