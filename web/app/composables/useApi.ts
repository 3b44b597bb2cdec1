import { $fetch as call, FetchError, type FetchOptions } from 'ofetch'

type Options = Omit<FetchOptions<'json'>, 'body'> & { body?: object }
export type Api = <T>(path: string, options?: Options) => Promise<T>

/**
 * The one way to the server. While rendering it stays in the process and knows whose page it is. In the browser it
 * sends again what another tab's sign-in overtook, asks for the password where the server wants it, and tells when a
 * session is gone.
 */
export function useApi(): Api {
  const nuxtApp = useNuxtApp()
  const send = (useRequestEvent(nuxtApp)?.$fetch ?? call) as typeof call
  const { ask } = useReauthentication()

  return async <T>(path: string, options: Options = {}): Promise<T> => {
    const once = () => send<T>(path, { retry: 0, ...options } as FetchOptions<'json'>)
    try {
      return await once()
    } catch (error) {
      if (import.meta.server) throw error
      const { code } = problemOf(error)
      if (code === 'session_replaced') return await once()
      if (code === 'reauthentication_required' && (await ask())) return await once()
      if (code === 'not_signed_in') await nuxtApp.callHook('session:lost')
      throw error
    }
  }
}

/** What a page shows, read while it is rendered. */
export function useApiData<T>(path: string) {
  const api = useApi()
  const asked = useAsyncData(
    path,
    () =>
      api<T>(path).catch((error: unknown) => {
        throw error instanceof FetchError && error.response === undefined ? unanswered(error) : error
      }),
    { deep: true },
  )
  const { data, error, refresh } = asked
  askAgainOnceReplaced({ error, refresh })
  const loading = computed(() => (data.value ?? error.value ?? null) === null)
  return { data, error, refresh, loading, loaded: asked.then(() => undefined) }
}

/**
 * What a page was rendered with, or asked for, by the cookies of before another tab's sign-in: the browser has the new
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

declare module '#app' {
  interface RuntimeNuxtHooks {
    'session:lost': () => void | Promise<void>
  }
}
