import { languageOf, type Language } from '#contract/languages.ts'

/** A chosen language wins over the browser's; no cookie is set until a language is chosen. */
export default defineNuxtPlugin({
  name: 'language',
  enforce: 'pre',
  async setup(nuxtApp) {
    const chosen = useLanguageCookie()
    const language = useState<Language>('language', () =>
      import.meta.server
        ? languageOf(chosen.value, useRequestEvent(nuxtApp)?.node.req.headers['accept-language'])
        : 'en',
    )
    nuxtApp.hook('app:rendered', ({ ssrContext }) => {
      ssrContext?.modules?.add(`../i18n/locales/${language.value}.json`)
    })
    const i18n = createI18n(language)
    await i18n.setLocale(language.value)
    if (import.meta.client) watch(chosen, code => void (code !== null && i18n.setLocale(code)))
    return { provide: { i18n } }
  },
})
