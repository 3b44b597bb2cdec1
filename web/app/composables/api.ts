import { $fetch as call, type FetchOptions } from 'ofetch'

type Options = Omit<FetchOptions<'json'>, 'body'> & { body?: object }
export type Api = <T>(path: string, options?: Options) => Promise<T>

/** The one way to the server. While rendering it stays in the process and knows whose page it is. */
export function useApi(): Api {
  const event = useRequestEvent()
  const send = (event?.$fetch ?? call) as typeof call
  return <T>(path: string, options: Options = {}) => send<T>(path, { retry: 0, ...options } as FetchOptions<'json'>)
}
