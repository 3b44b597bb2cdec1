import { reloadNuxtApp, type NuxtApp } from 'nuxt/app'
import { type ComputedRef, watch } from 'vue'
import type { WireSession, WireUser } from '../../../server/contract/wire.ts'
import { waitUntilEnd } from './session-end.ts'
import { onOtherTab } from './tabs.ts'

interface Watched {
  ready: ComputedRef<boolean>
  session: ComputedRef<WireSession | null>
  user: ComputedRef<WireUser | null>
  fetch(options: { background: boolean }): Promise<void>
  /** Leaves a page that the person may no longer see. */
  leaveForbiddenPage(): Promise<void>
  /** Called when the page is shown again, before the server is asked. */
  onShown?(): void
}

/**
 * Keeps the page true to the session: sign-ins in other tabs, a computer that slept, and the session's own end.
 * @returns asks the server now
 */
export function watchSession(
  nuxtApp: Pick<NuxtApp, 'hook' | 'runWithContext'>,
  { ready, session, user, fetch, leaveForbiddenPage, onShown }: Watched,
): () => Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined

  async function check(): Promise<void> {
    const before = user.value?.id
    try {
      await fetch({ background: true })
    } catch {
      // Nothing is known, so nothing changes until the next check.
      return
    }
    // Somebody else signed in: nothing on this page is theirs, including what was typed.
    if (before !== undefined && user.value !== null && user.value.id !== before) return reloadNuxtApp()
    await nuxtApp.runWithContext(leaveForbiddenPage)
  }
  function arm(): void {
    clearTimeout(timer)
    if (session.value === null) return
    timer = setTimeout(() => void check().finally(arm), waitUntilEnd(session.value, Date.now()))
  }

  nuxtApp.hook('app:mounted', () => {
    if (!ready.value) void check()
    watch(session, arm, { immediate: true })
    onOtherTab(() => void check())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return
      onShown?.()
      void check()
    })
    // The browser's back-forward cache shows who was signed in then.
    window.addEventListener('pageshow', event => {
      if (event.persisted) void check()
    })
  })
  return check
}
