/** Pages are built once for every site, so a brand reaches them with the request. */
export default defineNuxtPlugin({
  name: 'brand',
  enforce: 'pre',
  setup(nuxtApp) {
    const brand = useBrand()
    const context = nuxtApp.ssrContext?.event.context.porchlight
    if (context !== undefined) brand.value = context.brand
    // A word joiner, which is invisible, keeps a %s in the name from being filled with the title, too.
    useHead({ titleTemplate: `%s · ${brand.value.name.replaceAll('%s', '%\u2060s')}` })
  },
})
