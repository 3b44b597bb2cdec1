import type { ChangePersonRequest, PeopleAnswer, ResetLinkAnswer, WirePerson } from '#contract/wire.ts'

/**
 * Everybody with an account here, and what an administrator may do to one. Each change asks first where it hurts, then
 * reads anew.
 */
export function usePeople() {
  const { t } = useI18n()
  const api = useApi()
  const text = useProblemText()
  const { confirm } = useConfirm()
  const { say } = useToast()
  const { items: people, first, refresh, ...paged } = usePaged('/auth/people', (page: PeopleAnswer) => page.people)

  async function change(work: () => Promise<unknown>, done: string): Promise<void> {
    try {
      await work()
      say(done)
      await refresh()
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
    }
  }
  const patch = (person: WirePerson, body: ChangePersonRequest) =>
    api(`/auth/people/${person.id}`, { method: 'PATCH', body })

  async function setAdmin(person: WirePerson, admin: boolean): Promise<void> {
    const name = isolate(person.name)
    const key = admin ? 'people.makeAdmin' : 'people.unmakeAdmin'
    if (!(await confirm({ title: t(key), text: t(`${key}Text`, { name }), action: t(key), danger: admin }))) return
    await change(() => patch(person, { roles: admin ? ['admin', 'user'] : ['user'] }), t('people.saved', { name }))
  }
  async function setDisabled(person: WirePerson, disabled: boolean): Promise<void> {
    const name = isolate(person.name)
    if (
      disabled &&
      !(await confirm({
        title: t('people.disable'),
        text: t('people.disableText', { name }),
        action: t('people.disable'),
        danger: true,
      }))
    )
      return
    await change(
      () => patch(person, { disabled }),
      t(disabled ? 'people.disabledDone' : 'people.enabledDone', { name }),
    )
  }
  async function endSessions(person: WirePerson): Promise<void> {
    const name = isolate(person.name)
    if (
      !(await confirm({
        title: t('people.endSessions'),
        text: t('people.endSessionsText', { name }),
        action: t('people.endSessions'),
        danger: true,
      }))
    )
      return
    await change(
      () => api(`/auth/people/${person.id}/sessions`, { method: 'DELETE' }),
      t('people.sessionsEnded', { name }),
    )
  }
  /** The link, shown once. */
  async function makeResetLink(person: WirePerson): Promise<ResetLinkAnswer | null> {
    try {
      return await api<ResetLinkAnswer>(`/auth/people/${person.id}/reset`, { method: 'POST' })
    } catch (failure) {
      say(text(problemOf(failure)), 'bad')
      return null
    }
  }
  return {
    people,
    total: computed(() => first.value?.total ?? 0),
    refresh,
    ...paged,
    setAdmin,
    setDisabled,
    endSessions,
    makeResetLink,
  }
}
