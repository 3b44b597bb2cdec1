import type { MethodsAnswer } from '#contract/wire.ts'

const DEFAULT_MIN_LENGTH = 15

/** Which ways in there are. */
export function useMethods() {
  const { data, error } = useApiData<MethodsAnswer>('/auth/methods')
  return {
    methods: data,
    unreachable: computed(() => error.value !== undefined && error.value !== null),
    minLength: computed(() => data.value?.password.minLength ?? DEFAULT_MIN_LENGTH),
  }
}
