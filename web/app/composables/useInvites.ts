import type { InviteAnswer, InviteRequest, InvitesAnswer, WireInvite } from '#contract/wire.ts'

/** Invitations that are still open. */
export function useInvites() {
  const { t } = useI18n()
  const api = useApi()
  const attempt = useAttempt()
  const { say } = useToast()
  const { confirm } = useConfirm()
  const { items: invites, refresh, ...paged } = usePaged('/auth/invites', (page: InvitesAnswer) => page.invites)
  /** The one just created, whose link is shown once. */
  const created = ref<InviteAnswer | null>(null)

  async function create({ email, admin, send }: { email: string; admin: boolean; send: boolean }): Promise<void> {
    const body: InviteRequest = {
      roles: admin ? ['admin', 'user'] : ['user'],
      ...(email.trim() === '' ? {} : { email, send }),
    }
    created.value = await api<InviteAnswer>('/auth/invites', { method: 'POST', body })
    if (send && created.value.invite.email !== null)
      say(t(created.value.sent ? 'invites.sent' : 'invites.notSent', { email: isolate(created.value.invite.email) }))
    await refresh()
  }
  async function revoke(invite: WireInvite): Promise<void> {
    if (!(await confirm({ title: t('invites.revoke'), text: t('invites.revokeText') }))) return
    if (!(await attempt(() => api(`/auth/invites/${invite.id}`, { method: 'DELETE' }), t('invites.revoked')))) return
    if (created.value?.invite.id === invite.id) created.value = null
    await refresh()
  }
  return { invites, refresh, ...paged, created, create, revoke }
}
