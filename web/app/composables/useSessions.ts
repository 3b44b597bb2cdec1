import type { SessionListAnswer, SessionListItem } from '#contract/wire.ts'

/**
 * Where I am signed in. An ended one leaves the list at once and comes back, with the reason, if the server could not
 * end it.
 */
export function useSessions() {
  const { t } = useI18n()
  const api = useApi()
  const text = useProblemText()
  const deviceName = useDeviceName()
  const { confirm } = useConfirm()
  const { say } = useToast()
  const { clear } = useUserSession()
  const { data, error, refresh, loading } = useApiData<SessionListAnswer>('/auth/sessions')
  const sessions = computed(() => data.value?.sessions ?? [])
  const more = computed(() => (data.value?.next ?? null) !== null)
  const busy = ref(false)

  async function without(gone: (one: SessionListItem) => boolean, path: string, done: string): Promise<void> {
    const before = data.value
    data.value = { next: null, ...before, sessions: sessions.value.filter(one => !gone(one)) }
    try {
      await api(path, { method: 'DELETE' })
      say(done)
    } catch (failure) {
      data.value = before
      say(text(problemOf(failure)), 'bad')
    }
  }
  async function end(one: SessionListItem): Promise<void> {
    const device = isolate(deviceName(one.device))
    if (
      !(await confirm({
        title: t('sessions.confirmTitle'),
        text: t(one.current ? 'sessions.confirmThis' : 'sessions.confirmOne', { device }),
        action: t('layout.signOut'),
        danger: true,
      }))
    )
      return
    if (!one.current)
      return await without(other => other.id === one.id, `/auth/sessions/${one.id}`, t('sessions.ended', { device }))
    try {
      await leaveTo(await clear())
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    }
  }
  async function endOthers(): Promise<void> {
    if (
      !(await confirm({
        title: t('sessions.confirmTitle'),
        text: t('sessions.confirmOthers'),
        action: t('sessions.endOthers'),
        danger: true,
      }))
    )
      return
    await without(one => !one.current, '/auth/sessions', t('sessions.othersEnded'))
    // This one's live connections ended too, and are coming back.
    await refresh()
  }
  async function loadMore(): Promise<void> {
    const known = data.value
    if (busy.value || !known?.next) return
    busy.value = true
    try {
      const page = await api<SessionListAnswer>('/auth/sessions', { query: { cursor: known.next } })
      data.value = { ...page, sessions: [...sessions.value, ...page.sessions] }
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    } finally {
      busy.value = false
    }
  }
  return { sessions, more, busy, loading, error, refresh, end, endOthers, loadMore }
}
