/** A chosen language wins over the browser's; nothing is kept until somebody chooses. */
export default defineNuxtPlugin({
  name: 'language',
  enforce: 'pre',
  setup(nuxtApp) {
    const chosen = useLanguageCookie()
    nuxtApp.hook('app:rendered', ({ ssrContext }) => {
      const { locale } = nuxtApp.$i18n as { locale: Ref<string> }
      ssrContext?.modules?.add(`../i18n/locales/${locale.value}.ts`)
    })
    nuxtApp.hook('i18n:beforeLocaleSwitch', (change) => {
      if (change.initialSetup && chosen.value) change.newLocale = chosen.value
    })
  },
})
