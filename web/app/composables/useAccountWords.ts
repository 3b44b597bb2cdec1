import type { WordLoaders } from './useI18n.ts'

/** The sentences of pages behind or beside the sign-in, which loads faster without them. */
const ACCOUNT: WordLoaders = {
  en: () => import('../../i18n/locales/account/en.json'),
  'zh-CN': () => import('../../i18n/locales/account/zh-CN.json'),
}

/** A page awaits this last, so that the sentences load beside its data. */
export async function useAccountWords(): Promise<void> {
  const { loadWords, locale } = useI18n()
  useNuxtApp().ssrContext?.modules?.add(`../i18n/locales/account/${locale.value}.json`)
  await loadWords(ACCOUNT)
}
