import type { InviteAnswer, InviteRequest, InvitesAnswer, WireInvite } from '#contract/wire.ts'

/** Invitations that nobody has used yet. */
export function useInvites() {
  const { t } = useI18n()
  const api = useApi()
  const text = useProblemText()
  const { confirm } = useConfirm()
  const { say } = useToast()
  const { items: invites, refresh, ...paged } = usePaged('/auth/invites', (page: InvitesAnswer) => page.invites)
  const made = ref<InviteAnswer | null>(null)

  async function create(email: string, admin: boolean): Promise<void> {
    const body: InviteRequest = {
      roles: admin ? ['admin', 'user'] : ['user'],
      ...(email.trim() === '' ? {} : { email }),
    }
    made.value = await api<InviteAnswer>('/auth/invites', { method: 'POST', body })
    await refresh()
  }
  async function revoke(invite: WireInvite): Promise<void> {
    if (
      !(await confirm({
        title: t('invites.revoke'),
        text: t('invites.revokeText'),
        action: t('invites.revoke'),
        danger: true,
      }))
    )
      return
    try {
      await api(`/auth/invites/${invite.id}`, { method: 'DELETE' })
      if (made.value?.invite.id === invite.id) made.value = null
      say(t('invites.revoked'))
      await refresh()
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    }
  }
  return { invites, refresh, ...paged, made, create, revoke }
}
