import { readableCookies } from '#contract/readable-cookies.ts'

const YEAR_SECONDS = 365 * 24 * 60 * 60

/**
 * A preference of this device, in a plain cookie; since anybody can set one, `accepted` decides what counts. The page
 * arrives with its value, and other tabs follow a change.
 */
export function usePreference<T extends string>(name: string, accepted: (value: string) => value is T): Ref<T | null> {
  const nuxtApp = useNuxtApp()
  const state = useState<T | null>(`preference:${name}`, () => {
    const value = import.meta.server
      ? readableCookies(useRequestEvent(nuxtApp)?.node.req.headers.cookie ?? '').get(name)
      : undefined
    return value !== undefined && accepted(value) ? value : null
  })
  if (import.meta.server) return state as Ref<T | null>
  const channel = channelOf(name, value => {
    state.value = value !== null && accepted(value) ? value : null
  })
  return computed<T | null>({
    get: () => state.value,
    set(value) {
      state.value = value
      // eslint-disable-next-line no-restricted-properties -- a preference, which is no secret
      document.cookie = `${name}=${value === null ? '' : encodeURIComponent(value)}; Max-Age=${value === null ? 0 : YEAR_SECONDS}; Path=/; SameSite=Lax`
      channel.postMessage(value)
    },
  })
}

const channels = new Map<string, BroadcastChannel>()

/** One channel per cookie, however many parts of a page use it. */
function channelOf(name: string, heard: (value: string | null) => void): BroadcastChannel {
  const known = channels.get(name)
  if (known !== undefined) return known
  const channel = new BroadcastChannel(name)
  channel.addEventListener('message', ({ data }: MessageEvent<string | null>) => heard(data))
  channels.set(name, channel)
  return channel
}
