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
