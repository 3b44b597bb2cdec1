import type { LinksAnswer, ProviderLoginAnswer, WireLink } from '#contract/wire.ts'

/** My ways in: the accounts elsewhere that sign me in here, and whether a password does. */
export function useLinks() {
  const { t } = useI18n()
  const api = useApi()
  const text = useProblemText()
  const { confirm } = useConfirm()
  const { say } = useToast()
  const { methods } = useMethods()
  const { data, error, refresh, loading } = useApiData<LinksAnswer>('/auth/links')
  const links = computed(() => data.value?.links ?? [])
  const linkable = computed(() =>
    (methods.value?.providers ?? []).filter(one => !links.value.some(link => link.provider === one.id)),
  )

  /** Goes to the provider; the way back ends on the account page. */
  async function link(provider: string): Promise<void> {
    try {
      const { href } = await api<ProviderLoginAnswer>(`/auth/links/${provider}`, { method: 'POST' })
      await navigateTo(href, { external: true })
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    }
  }
  async function unlink(one: WireLink): Promise<void> {
    const provider = isolate(one.name)
    if (
      !(await confirm({
        title: t('links.unlinkTitle', { provider }),
        text: t('links.unlinkText', { provider }),
        action: t('links.unlink'),
        danger: true,
      }))
    )
      return
    try {
      await api(`/auth/links/${one.id}`, { method: 'DELETE' })
      say(t('links.unlinked', { provider }))
      await refresh()
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    }
  }
  return {
    links,
    linkable,
    hasPassword: computed(() => data.value?.password !== false),
    loading,
    error,
    refresh,
    link,
    unlink,
  }
}
