import type { SessionListAnswer, SessionListItem } from '#contract/wire.ts'

/** My sessions. An ended one leaves the list at once, and comes back, with a reason, if the server could not end it. */
export function useSessions() {
  const { t } = useI18n()
  const api = useApi()
  const attempt = useAttempt()
  const signOut = useSignOut()
  const deviceName = useDeviceName()
  const { confirm } = useConfirm()
  const { data, error, refresh, loading } = useApiData<SessionListAnswer>('/auth/sessions')
  const sessions = computed(() => data.value?.sessions ?? [])
  const more = computed(() => (data.value?.next ?? null) !== null)
  const busy = ref(false)

  async function without(gone: (one: SessionListItem) => boolean, path: string, done: string): Promise<void> {
    const before = data.value
    data.value = { next: null, ...before, sessions: sessions.value.filter(one => !gone(one)) }
    if (!(await attempt(() => api(path, { method: 'DELETE' }), done))) data.value = before
  }
  async function end(one: SessionListItem): Promise<void> {
    const device = isolate(deviceName(one.device))
    const question = {
      title: t('sessions.confirmTitle'),
      text: t(one.current ? 'sessions.confirmThis' : 'sessions.confirmOne', { device }),
      action: t('layout.signOut'),
    }
    if (!(await confirm(question))) return
    if (one.current) await attempt(signOut)
    else await without(other => other.id === one.id, `/auth/sessions/${one.id}`, t('sessions.ended', { device }))
  }
  async function endOthers(): Promise<void> {
    const question = {
      title: t('sessions.confirmTitle'),
      text: t('sessions.confirmOthers'),
      action: t('sessions.endOthers'),
    }
    if (!(await confirm(question))) return
    await without(one => !one.current, '/auth/sessions', t('sessions.othersEnded'))
    // This session's live connections ended too, and are being opened again.
    await refresh()
  }
  async function loadMore(): Promise<void> {
    const known = data.value
    if (busy.value || !known?.next) return
    busy.value = true
    await attempt(async () => {
      const page = await api<SessionListAnswer>('/auth/sessions', { query: { cursor: known.next } })
      data.value = { ...page, sessions: [...sessions.value, ...page.sessions] }
    })
    busy.value = false
  }
  return { sessions, more, busy, loading, error, refresh, end, endOthers, loadMore }
}
