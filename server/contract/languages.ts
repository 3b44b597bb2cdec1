/** The languages of the pages; the first is the default. */
export const LANGUAGES = ['en', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]

/** The cookie with the chosen language, a plain preference. Anyone can set it, so only a known value counts. */
export const LANGUAGE_COOKIE = 'porchlight-language'

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.some(code => code === value)
}

/**
 * The chosen language, or else the best match of the browser's preferences (RFC 9110 §12.5.4).
 * @param chosen the cookie's value
 */
export function languageOf(chosen: string | null, acceptLanguage: string | undefined): Language {
  if (isLanguage(chosen)) return chosen
  let best: { language: Language; quality: number } | null = null
  for (const range of (acceptLanguage ?? '').split(',')) {
    const [tag = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const language = LANGUAGES.find(code => code.slice(0, 2) === tag.split('-')[0])
    const quality = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (language !== undefined && quality > (best?.quality ?? 0)) best = { language, quality }
  }
  return best?.language ?? LANGUAGES[0]
}
