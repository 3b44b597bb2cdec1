const YEAR_SECONDS = 365 * 24 * 60 * 60
const LANGUAGES = ['en', 'zh-CN'] as const
type Language = (typeof LANGUAGES)[number]

/** The language that somebody chose, or null while the browser's decides. A cookie is somebody else's word: only known values count. */
export function useLanguageCookie() {
  return useCookie<Language | null>('porchlight-language', {
    maxAge: YEAR_SECONDS,
    sameSite: 'lax',
    path: '/',
    decode: value => LANGUAGES.find(code => code === value) ?? null,
  })
}

export function useLanguage() {
  const { locale, locales, setLocale } = useI18n()
  const chosen = useLanguageCookie()
  async function choose(code: Language): Promise<void> {
    chosen.value = code
    await setLocale(code)
  }
  return { language: locale, languages: locales, choose }
}
