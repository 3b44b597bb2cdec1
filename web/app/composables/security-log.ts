import type { EventsAnswer, WireEvent } from '#contract/wire.ts'
import type { Problem } from './problem.ts'

/** What happened to my account, newest first, a page at a time. */
export function useSecurityLog() {
  const api = useApi()
  const { data, error, refresh, loading } = useApiData<EventsAnswer>('/auth/events')
  const older = ref<WireEvent[]>([])
  const cursor = ref<string | null | undefined>(undefined)
  const next = computed(() => cursor.value === undefined ? data.value?.next ?? null : cursor.value)
  const busy = ref(false)
  const failed = ref<Problem | null>(null)

  async function loadMore(): Promise<void> {
    if (busy.value || next.value === null) return
    busy.value = true
    failed.value = null
    try {
      const page = await api<EventsAnswer>('/auth/events', { query: { cursor: next.value } })
      older.value.push(...page.events)
      cursor.value = page.next
    }
    catch (error) {
      failed.value = problemOf(error)
    }
    finally {
      busy.value = false
    }
  }
  return { events: computed(() => [...data.value?.events ?? [], ...older.value]), more: computed(() => next.value !== null), busy, loading, error, failed, refresh, loadMore }
}
