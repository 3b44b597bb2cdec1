import { isLanguage, LANGUAGE_COOKIE, type Language } from '#contract/languages.ts'

/** The chosen language; null while the browser's preference decides. */
export const useLanguageCookie = () => usePreference(LANGUAGE_COOKIE, isLanguage)

export function useLanguage() {
  const { locale, locales, setLocale } = useI18n()
  const chosen = useLanguageCookie()
  async function choose(code: Language): Promise<void> {
    chosen.value = code
    await setLocale(code)
  }
  return { language: locale, languages: locales, choose }
}
