import { FetchError } from 'ofetch'

/** What a page shows, read while the page is rendered. */
export function useApiData<T>(path: string) {
  const api = useApi()
  const request = useAsyncData(
    path,
    () =>
      api<T>(path).catch((error: unknown) => {
        throw error instanceof FetchError && error.response === undefined ? unanswered(error) : error
      }),
    { deep: true },
  )
  const { data, error, refresh } = request
  askAgainOnceReplaced({ error, refresh })
  const loading = computed(() => (data.value ?? error.value ?? null) === null)
  return { data, error, refresh, loading, loaded: request.then(() => undefined) }
}

/**
 * Repeats a read that failed because it carried the cookies of before another tab's sign-in; the browser has the new
 * ones by now.
 */
export function askAgainOnceReplaced({ error, refresh }: { error: Ref<unknown>; refresh: () => Promise<void> }): void {
  if (import.meta.server) return
  let asked = false
  function look(): void {
    if (asked || !error.value || readProblem(error.value).code !== 'session_replaced') return
    asked = true
    void refresh()
  }
  onNuxtReady(look)
  watch(error, look)
}
