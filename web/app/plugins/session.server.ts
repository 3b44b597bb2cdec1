/** Puts what the server already knows about the visitor into the first byte of the page. */
export default defineNuxtPlugin({
  name: 'session',
  enforce: 'pre',
  setup(nuxtApp) {
    const context = nuxtApp.ssrContext?.event.context.porchlight
    if (!context) return
    const { session, form, ownPages, documents } = useSiteContext()
    session.value = context.session
    form.value = context.form
    ownPages.value = context.ownPages
    documents.value = context.documents
  },
})
