import { DEFAULT_BRAND } from '#contract/brand.ts'

/** Pages are built once for every site, so a brand reaches them with the request. */
export default defineNuxtPlugin({
  name: 'brand',
  enforce: 'pre',
  setup(nuxtApp) {
    const brand = useBrand()
    if (import.meta.server) {
      const { head, styles, ...page } = nuxtApp.ssrContext?.event.context.porchlight?.brand ?? DEFAULT_BRAND
      brand.value = page
      // The browser keeps what the server put into the head.
      useHead({ link: head, style: styles === null ? [] : [styles] })
    }
    // A word joiner, which is invisible, keeps a %s in the name from being filled with the title, too.
    useHead({ titleTemplate: `%s · ${brand.value.name.replaceAll('%s', '%\u2060s')}` })
  },
})
