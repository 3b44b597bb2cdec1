import { sentenceAt, translate, type Values, type Words } from '~/utils/translate'
import type { Language } from '#contract/languages.ts'

/** A language's words come as a script of their own, which the page preloads. */
const LOADERS: Record<Language, () => Promise<{ default: Words }>> = {
  en: () => import('../../i18n/locales/en.json'),
  'zh-CN': () => import('../../i18n/locales/zh-CN.json'),
}
const NAMES: Record<Language, string> = { en: 'English', 'zh-CN': '简体中文' }

export interface I18n {
  t(key: string, values?: Values): string
  /** Whether there is a sentence at that key. */
  has(key: string): boolean
  locale: Readonly<Ref<Language>>
  locales: readonly { code: Language; name: string }[]
  /** Resolves once the words are there and shown. */
  setLocale(code: Language): Promise<void>
  /** Adds words that only some pages have. */
  addWords(words: Record<Language, Words>): void
}

/** Made once for each page, by plugins/language.ts, which waits for `setLocale`. */
export function createI18n(locale: Ref<Language>): I18n {
  const words = shallowReactive<Record<Language, Words>>({ en: {}, 'zh-CN': {} })
  const add = (code: Language, more: Words) => {
    words[code] = { ...words[code], ...more }
  }
  const loaded = new Set<Language>()
  return {
    t: (key, values) => translate(words[locale.value], key, values),
    has: key => sentenceAt(words[locale.value], key) !== null,
    locale: readonly(locale),
    locales: (Object.keys(NAMES) as Language[]).map(code => ({ code, name: NAMES[code] })),
    async setLocale(code) {
      if (!loaded.has(code)) add(code, (await LOADERS[code]()).default)
      loaded.add(code)
      locale.value = code
    },
    addWords: more => (Object.keys(more) as Language[]).forEach(code => add(code, more[code])),
  }
}

export const useI18n = (): I18n => useNuxtApp().$i18n as I18n
