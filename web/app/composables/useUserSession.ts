import type { EndReason } from '#contract/end-reasons.ts'
import type { SessionAnswer, SignOutAnswer, WireSession, WireUser } from '#contract/wire.ts'

/** Who is signed in, as far as this page knows. */
export interface UserSession {
  /** False only on a page made without a visitor (prerendered or cached), until the browser has asked. */
  ready: ComputedRef<boolean>
  loggedIn: ComputedRef<boolean>
  user: ComputedRef<WireUser | null>
  session: ComputedRef<WireSession | null>
  /** Why the last session ended, where the browser still knows of one. */
  ended: ComputedRef<EndReason | null>
  /** Takes over an answer that the server just gave, e.g. to a sign-in. */
  accept(answer: SessionAnswer): void
  /** Asks the server. A background question is no activity: it does not keep an idle session alive. */
  fetch(options?: { background?: boolean }): Promise<void>
  /**
   * Signs out here; throws what the server said if it could not.
   * @returns where to go now: our own page, or on to the provider
   */
  clear(): Promise<string>
}

const NOBODY: SessionAnswer = { user: null, session: null }

/** Null until somebody has asked. */
export const useSessionState = () => useState<SessionAnswer | null>('session', () => null)

export function useUserSession(): UserSession {
  const state = useSessionState()
  const api = useApi()
  const ready = computed(() => state.value !== null)

  function read(): SessionAnswer {
    if (import.meta.prerender && state.value === null) {
      throw new Error(
        'A prerendered page belongs to nobody: show who is signed in inside <AuthState>, or render this route on request.',
      )
    }
    return state.value ?? NOBODY
  }
  function accept(answer: SessionAnswer): void {
    if (answer.user?.id !== state.value?.user?.id) clearNuxtData()
    state.value = answer
  }
  async function fetch(options: { background?: boolean } = {}): Promise<void> {
    accept(
      await api<SessionAnswer>(
        '/auth/session',
        options.background === true ? { headers: { 'X-Porchlight-Background': '1' } } : {},
      ),
    )
  }
  async function clear(): Promise<string> {
    const { next } = await api<SignOutAnswer>('/auth/logout', { method: 'POST' })
    accept(NOBODY)
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

/** Goes where the answer to a sign-out leads. Under /auth that is on to the provider: a load of its own. */
export const leaveTo = (next: string) => navigateTo(next, { external: next.startsWith('/auth/') })
