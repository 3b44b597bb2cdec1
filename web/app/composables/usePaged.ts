import type { Problem } from '~/utils/api-problem'

/**
 * A list loaded page by page; a refresh starts over with the first page.
 * @param itemsOf the items of one page
 */
export function usePaged<Page extends { next: string | null }, Item>(path: string, itemsOf: (page: Page) => Item[]) {
  const api = useApi()
  const first = useApiData<Page>(path)
  const firstPage = computed(() => first.data.value as Page | undefined)
  const later = shallowRef<Page[]>([])
  const pages = computed(() => (firstPage.value ? [firstPage.value, ...later.value] : []))
  const next = computed(() => pages.value.at(-1)?.next ?? null)
  const busy = ref(false)
  const failed = ref<Problem | null>(null)

  async function refresh(): Promise<void> {
    await first.refresh()
    later.value = []
  }
  async function loadMore(): Promise<void> {
    if (busy.value || next.value === null) return
    busy.value = true
    failed.value = null
    try {
      later.value = [...later.value, await api<Page>(path, { query: { cursor: next.value } })]
    } catch (error) {
      failed.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  return {
    first: firstPage,
    items: computed(() => pages.value.flatMap(itemsOf)),
    more: computed(() => next.value !== null),
    busy,
    failed,
    loading: first.loading,
    error: first.error,
    refresh,
    loadMore,
  }
}
