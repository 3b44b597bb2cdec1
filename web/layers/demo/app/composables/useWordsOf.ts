/**
 * The demonstrations have many words, which need not travel with every other page. Every language at once: a change of
 * language then has them at hand.
 */
const WORDS = {
  notes: () => Promise.all([import('../../i18n/locales/notes/en.json'), import('../../i18n/locales/notes/zh-CN.json')]),
  proof: () => Promise.all([import('../../i18n/locales/proof/en.json'), import('../../i18n/locales/proof/zh-CN.json')]),
}

/** Fetches the words that only this page has. A page waits for them last, once everything else of it is on its way. */
export async function useWordsOf(page: keyof typeof WORDS): Promise<void> {
  const { addWords } = useI18n()
  const [en, zh] = await WORDS[page]()
  addWords({ en: en.default, 'zh-CN': zh.default })
}
