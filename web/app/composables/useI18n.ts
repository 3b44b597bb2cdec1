import { sentenceAt, translate, type Values, type Words } from '~/utils/translate'
import type { Language } from '#contract/languages.ts'

/** A file of sentences in each language, a script of its own that the page preloads. */
export type WordLoaders = Record<Language, () => Promise<{ default: Words }>>

const SHARED: WordLoaders = {
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
  /** Resolves once the sentences are loaded and shown. */
  setLocale(code: Language): Promise<void>
  /** Adds sentences that only some pages need, now in this language and later in any that is chosen. */
  loadWords(loaders: WordLoaders): Promise<void>
  /** Adds sentences that are loaded already. */
  addWords(words: Record<Language, Words>): void
}

/** Made once for each page by plugins/language.ts, which awaits `setLocale`. */
export function createI18n(locale: Ref<Language>): I18n {
  const words = shallowReactive<Record<Language, Words>>({ en: {}, 'zh-CN': {} })
  const groups = new Set([SHARED])
  const loaded: Record<Language, Set<WordLoaders>> = { en: new Set(), 'zh-CN': new Set() }

  function add(code: Language, more: Words): void {
    const known = words[code]
    // The problems that only some pages can meet are among the words of those.
    words[code] = { ...known, ...more, problem: { ...(known.problem as Words), ...(more.problem as Words) } }
  }
  async function load(code: Language): Promise<void> {
    const missing = [...groups].filter(group => !loaded[code].has(group))
    await Promise.all(
      missing.map(async group => {
        add(code, (await group[code]()).default)
        loaded[code].add(group)
      }),
    )
  }
  return {
    t: (key, values) => translate(words[locale.value], key, values),
    has: key => sentenceAt(words[locale.value], key) !== null,
    locale: readonly(locale),
    locales: (Object.keys(NAMES) as Language[]).map(code => ({ code, name: NAMES[code] })),
    async setLocale(code) {
      await load(code)
      locale.value = code
    },
    async loadWords(loaders) {
      groups.add(loaders)
      await load(locale.value)
    },
    addWords: more => (Object.keys(more) as Language[]).forEach(code => add(code, more[code])),
  }
}

export const useI18n = (): I18n => useNuxtApp().$i18n as I18n
