import { $fetch as call, type FetchOptions } from 'ofetch'

type Options = Omit<FetchOptions<'json'>, 'body'> & { body?: object }
export type Api = <T>(path: string, options?: Options) => Promise<T>

/**
 * The only way to call the server. During a render the call stays in the process and acts for the page's visitor. In
 * the browser it repeats a call that another tab's sign-in overtook, asks for re-authentication when the server wants
 * it, and reports a session that is gone.
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

declare module '#app' {
  interface RuntimeNuxtHooks {
    'session:lost': () => void | Promise<void>
  }
}
