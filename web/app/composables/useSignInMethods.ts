import type { MethodsAnswer } from '#contract/wire.ts'

const DEFAULT_MIN_LENGTH = 15
/** Cannot be a provider's id: none contains a dot. */
export const BY_PASSWORD = '.password'
const isMethod = (value: string): value is string => value !== ''

/** How people can sign in here. A page whose layout depends on it awaits `loaded`. */
export function useSignInMethods() {
  const { data, loaded } = useApiData<MethodsAnswer>('/auth/methods')
  return {
    methods: data,
    loaded,
    providers: computed(() => data.value?.providers ?? []),
    byPassword: computed(() => data.value?.password.enabled !== false),
    /** The token API that manages the accounts, if one does, and its own pages. */
    tokenApi: computed(() => data.value?.password.by ?? null),
    passwordLinks: computed(() => data.value?.password.links ?? { register: null, reset: null }),
    minLength: computed(() => data.value?.password.minLength ?? DEFAULT_MIN_LENGTH),
  }
}

/** The method last used on this device, a provider's id or `BY_PASSWORD`. It only decides which comes first. */
export const useLastMethod = () => usePreference('porchlight-way', isMethod)

/** A provider's name, if this page has read the sign-in methods; else a general word. */
export function useProviderName(): (id: string) => string {
  const { t } = useI18n()
  const { data } = useNuxtData<MethodsAnswer>('/auth/methods')
  return id => {
    const found = data.value?.providers.find(one => one.id === id)
    return found === undefined ? t('provider.some') : isolate(found.name)
  }
}
