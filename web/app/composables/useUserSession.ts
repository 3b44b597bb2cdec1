import type { EndReason } from '#contract/end-reasons.ts'
import type { SessionAnswer, SignOutAnswer, WireSession, WireUser } from '#contract/wire.ts'

/** Who is signed in, as far as this page knows. */
export interface UserSession {
  /** False only on a page made without a visitor (prerendered or cached), until the browser has asked. */
  ready: ComputedRef<boolean>
  loggedIn: ComputedRef<boolean>
  user: ComputedRef<WireUser | null>
  session: ComputedRef<WireSession | null>
  /** Why the last session ended, if the browser still has its cookies. */
  ended: ComputedRef<EndReason | null>
  /** Takes over an answer that the server just gave, such as to a sign-in. */
  accept(answer: SessionAnswer): void
  /** Asks the server. A background call is no activity: it does not keep an idle session alive. */
  fetch(options?: { background?: boolean }): Promise<void>
  /**
   * Signs out, or throws the server's problem.
   * @returns where to go now: our own page, or on to the provider
   */
  clear(): Promise<string>
}

const SIGNED_OUT: SessionAnswer = { user: null, session: null }

export function useUserSession(): UserSession {
  const { session: state } = useSiteContext()
  const api = useApi()
  const ready = computed(() => state.value !== null)

  function read(): SessionAnswer {
    if (import.meta.prerender && state.value === null) {
      throw new Error(
        'A prerendered page has no visitor: show who is signed in inside <AuthState>, or render this route on request.',
      )
    }
    return state.value ?? SIGNED_OUT
  }
  function accept(answer: SessionAnswer): void {
    if (answer.user?.id !== state.value?.user?.id) clearNuxtData()
    state.value = answer
  }
  async function fetch({ background = false }: { background?: boolean } = {}): Promise<void> {
    const headers: HeadersInit = background ? { 'X-Porchlight-Background': '1' } : {}
    accept(await api<SessionAnswer>('/auth/session', { headers }))
  }
  async function clear(): Promise<string> {
    const { next } = await api<SignOutAnswer>('/auth/logout', { method: 'POST' })
    accept(SIGNED_OUT)
    tellOtherTabs()
    return next ?? '/signed-out'
  }
  return {
    ready,
    loggedIn: computed(() => read().user !== null),
    user: computed(() => read().user),
    session: computed(() => read().session),
    ended: computed(() => read().ended ?? null),
    accept,
    fetch,
    clear,
  }
}
