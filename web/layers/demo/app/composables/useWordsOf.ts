import type { WordLoaders } from '~/composables/useI18n'

/** The demonstrations have many sentences, which need not travel with every other page. */
const WORDS = {
  notes: {
    en: () => import('../../i18n/locales/notes/en.json'),
    'zh-CN': () => import('../../i18n/locales/notes/zh-CN.json'),
  },
  proof: {
    en: () => import('../../i18n/locales/proof/en.json'),
    'zh-CN': () => import('../../i18n/locales/proof/zh-CN.json'),
  },
} satisfies Record<string, WordLoaders>

/** A page awaits this last, so that the sentences load beside its data. */
export async function useWordsOf(page: keyof typeof WORDS): Promise<void> {
  const { loadWords, locale } = useI18n()
  useNuxtApp().ssrContext?.modules?.add(`../layers/demo/i18n/locales/${page}/${locale.value}.json`)
  await loadWords(WORDS[page])
}
