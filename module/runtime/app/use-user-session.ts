import { clearNuxtData, navigateTo, useNuxtApp, useRequestFetch, useRouter } from 'nuxt/app'
import { computed, type ComputedRef } from 'vue'
import type { EndReason } from '../../../server/contract/end-reasons.ts'
import type { SessionAnswer, SignOutAnswer, WireSession, WireUser } from '../../../server/contract/wire.ts'
import { useSessionState } from './session-state.ts'
import { tellOtherTabs } from './tabs.ts'

/** Who is signed in, as far as this page knows. */
export interface UserSessionComposable {
  /** False only on a page made without a visitor (prerendered or cached), until the browser has asked. */
  ready: ComputedRef<boolean>
  loggedIn: ComputedRef<boolean>
  user: ComputedRef<WireUser | null>
  session: ComputedRef<WireSession | null>
  /** Why the last session ended, if the browser still has its cookies. */
  ended: ComputedRef<EndReason | null>
  /** Asks the server. A background call is no activity: it does not keep an idle session alive. */
  fetch(options?: { background?: boolean }): Promise<void>
  /**
   * Signs out here and in the browser's other tabs; a page that is for signed-in people only is then left.
   * @throws FetchError, with the server's problem as its `data`
   */
  clear(): Promise<void>
}

const SIGNED_OUT: SessionAnswer = { user: null, session: null }
const SIGNED_OUT_PAGE = '/signed-out'

export function useUserSession(): UserSessionComposable {
  const nuxtApp = useNuxtApp()
  const router = useRouter()
  const state = useSessionState()
  const request = useRequestFetch() as typeof $fetch

  function accept(answer: SessionAnswer): void {
    // What was read for somebody else must not be shown to the next person.
    if (answer.user?.id !== state.value?.user?.id) clearNuxtData()
    state.value = answer
  }
  async function fetch({ background = false }: { background?: boolean } = {}): Promise<void> {
    const headers: HeadersInit = background ? { 'X-Porchlight-Background': '1' } : {}
    accept(await request<SessionAnswer>('/auth/session', { headers }))
  }
  async function clear(): Promise<void> {
    const { next } = await request<SignOutAnswer>('/auth/logout', { method: 'POST' })
    const { auth } = router.currentRoute.value.meta
    const leaves = auth === 'user' || auth === 'admin'
    // A provider that signs people out, too, is a page of its own.
    const target = next ?? (leaves ? SIGNED_OUT_PAGE : null)
    if (target === null) accept(SIGNED_OUT)
    tellOtherTabs()
    if (target !== null) await nuxtApp.runWithContext(() => navigateTo(target, { external: true }))
  }
  return {
    ready: computed(() => state.value !== null),
    loggedIn: computed(() => (state.value?.user ?? null) !== null),
    user: computed(() => state.value?.user ?? null),
    session: computed(() => state.value?.session ?? null),
    ended: computed(() => state.value?.ended ?? null),
    fetch,
    clear,
  }
}
