import { isLanguage, LANGUAGE_COOKIE, type Language } from '#contract/languages.ts'

/** The chosen language; null while the browser's preference decides. */
export const useLanguageCookie = () => usePreference(LANGUAGE_COOKIE, isLanguage)

export function useLanguage() {
  const { locale, locales } = useI18n()
  const chosen = useLanguageCookie()
  /** Set, it changes the cookie, which the language plugin of every tab follows. */
  const language = computed<Language>({
    get: () => locale.value,
    set: code => {
      chosen.value = code
    },
  })
  return { language, languages: locales }
}
