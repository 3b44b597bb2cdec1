import type { LinksAnswer, ProviderLoginAnswer, WireLink } from '#contract/wire.ts'

/** My sign-in methods: the provider accounts linked to this one, and whether it has a password. */
export function useLinks() {
  const { t } = useI18n()
  const api = useApi()
  const attempt = useAttempt()
  const { confirm } = useConfirm()
  const { providers } = useSignInMethods()
  const { data, error, refresh, loading } = useApiData<LinksAnswer>('/auth/links')
  const links = computed(() => data.value?.links ?? [])
  const linkable = computed(() => providers.value.filter(one => !links.value.some(link => link.provider === one.id)))
  const hasPassword = computed(() => data.value?.password !== false)

  /** Goes to the provider, which returns to the account page. */
  async function link(provider: string): Promise<void> {
    await attempt(async () => {
      const { href } = await api<ProviderLoginAnswer>(`/auth/links/${provider}`, { method: 'POST' })
      await navigateTo(href, { external: true })
    })
  }
  async function unlink(one: WireLink): Promise<void> {
    const provider = isolate(one.name)
    const question = {
      title: t('links.unlinkTitle', { provider }),
      text: t('links.unlinkText', { provider }),
      action: t('links.unlink'),
    }
    if (!(await confirm(question))) return
    const removed = await attempt(
      () => api(`/auth/links/${one.id}`, { method: 'DELETE' }),
      t('links.unlinked', { provider }),
    )
    if (removed) await refresh()
  }
  return { links, linkable, hasPassword, loading, error, refresh, link, unlink }
}
