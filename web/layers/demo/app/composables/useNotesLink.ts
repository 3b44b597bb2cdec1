interface Told {
  opened(): void
  lost(): void
}
export type LinkState = 'opening' | 'live' | 'away' | 'offline'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000

/** Browsers limit connections per site, so a hidden window gives up its own. */
const REST_AFTER_MS = 20_000

/**
 * Keeps a live connection open while its page is open, and reconnects with growing delays. Before each attempt it
 * checks the session; once that has ended, it stops and the sign-in page says why.
 * @param connect opens a connection and reports on it; the function that it returns closes it silently
 */
export function useNotesLink(connect: (told: Told) => () => void, { restsWhenHidden }: { restsWhenHidden: boolean }) {
  const nuxtApp = useNuxtApp()
  const { user, fetch } = useUserSession()
  const state = ref<LinkState>('opening')
  let close: (() => void) | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let rest: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let left = false
  /** Numbers the attempts, so that a late response of an earlier one is ignored. */
  let turn = 0

  function stop(): void {
    turn++
    clearTimeout(timer)
    close?.()
    close = null
  }
  function start(): void {
    stop()
    if (!left) {
      close = connect({
        opened() {
          failures = 0
          state.value = 'live'
        },
        lost: again,
      })
    }
  }
  function again(): void {
    stop()
    state.value = navigator.onLine ? 'away' : 'offline'
    // The `online` event restarts it.
    if (state.value === 'away')
      void ifSignedIn(() => {
        timer = setTimeout(restart, waitBefore(failures++, Math.random()))
      })
  }
  /** Another tab may have signed out since this page last checked its session. */
  function restart(): void {
    stop()
    void ifSignedIn(start)
  }
  async function ifSignedIn(then: () => void): Promise<void> {
    const mine = turn
    if ((await stillSignedIn()) && mine === turn && !left) then()
  }
  /** No response says nothing about the session. */
  async function stillSignedIn(): Promise<boolean> {
    try {
      await fetch({ background: true })
    } catch {
      return true
    }
    if (user.value !== null) return true
    await nuxtApp.callHook('session:lost')
    return false
  }
  function onVisibility(): void {
    clearTimeout(rest)
    if (document.visibilityState === 'hidden') {
      if (restsWhenHidden) rest = setTimeout(stop, REST_AFTER_MS)
    } else if (close === null) restart()
  }
  const listeners: [EventTarget, string, () => void][] = import.meta.server
    ? []
    : [
        [window, 'online', restart],
        [window, 'offline', again],
        [window, 'pagehide', stop],
        [window, 'pageshow', onVisibility],
        [document, 'visibilitychange', onVisibility],
      ]

  onMounted(() => {
    for (const [target, name, listener] of listeners) target.addEventListener(name, listener)
    start()
  })
  onBeforeUnmount(() => {
    left = true
    stop()
    clearTimeout(rest)
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener)
  })
  // The person has changed, and the open connection belongs to the one before.
  watch(
    () => user.value?.id,
    id => {
      if (id === undefined) stop()
      else if (close !== null) start()
    },
  )
  return { state, restart: start }
}

/**
 * How long to wait before the next attempt to connect: doubled each time, with jitter, so that the clients of a
 * restarted server do not all return at once.
 * @param failures in a row, 0 for the first
 * @param random 0 to 1
 * @returns milliseconds
 */
export function waitBefore(failures: number, random: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (0.5 + random / 2)
}
