/** A chosen language wins over the browser's; nothing is kept until somebody chooses. */
export default defineNuxtPlugin({
  name: 'language',
  enforce: 'pre',
  setup(nuxtApp) {
    const chosen = useLanguageCookie()
    nuxtApp.hook('i18n:beforeLocaleSwitch', (change) => {
      if (change.initialSetup && chosen.value) change.newLocale = chosen.value
    })
  },
})
