import type { MethodsAnswer } from '#contract/wire.ts'

const DEFAULT_MIN_LENGTH = 15

/** Which ways in there are. A page whose shape depends on it waits for `loaded`. */
export function useMethods() {
  const { data, loaded } = useApiData<MethodsAnswer>('/auth/methods')
  return {
    methods: data,
    loaded,
    minLength: computed(() => data.value?.password.minLength ?? DEFAULT_MIN_LENGTH),
  }
}

/** What a provider is called, from what this page has read already; a word for any where it has not. */
export function useProviderName(): (id: string) => string {
  const { t } = useI18n()
  const { data } = useNuxtData<MethodsAnswer>('/auth/methods')
  return id => {
    const found = data.value?.providers.find(one => one.id === id)
    return found === undefined ? t('provider.some') : isolate(found.name)
  }
}
