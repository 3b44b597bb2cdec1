import type { ChangePersonRequest, PeopleAnswer, ResetLinkAnswer, WirePerson } from '#contract/wire.ts'

/** Everybody with an account here, and what an administrator may do to one of them. */
export function usePeople() {
  const { t } = useI18n()
  const api = useApi()
  const attempt = useAttempt()
  const { confirm } = useConfirm()
  const { items: people, first, refresh, ...paged } = usePaged('/auth/people', (page: PeopleAnswer) => page.people)

  async function change(work: () => Promise<unknown>, done: string): Promise<void> {
    if (await attempt(work, done)) await refresh()
  }
  const patch = (person: WirePerson, body: ChangePersonRequest) =>
    api(`/auth/people/${person.id}`, { method: 'PATCH', body })

  async function setAdmin(person: WirePerson, admin: boolean): Promise<void> {
    const name = isolate(person.name)
    const key = admin ? 'people.makeAdmin' : 'people.unmakeAdmin'
    if (!(await confirm({ title: t(key), text: t(`${key}Text`, { name }), danger: admin }))) return
    await change(() => patch(person, { roles: admin ? ['admin', 'user'] : ['user'] }), t('people.saved', { name }))
  }
  async function setDisabled(person: WirePerson, disabled: boolean): Promise<void> {
    const name = isolate(person.name)
    if (disabled && !(await confirm({ title: t('people.disable'), text: t('people.disableText', { name }) }))) return
    const done = disabled ? 'people.disabledDone' : 'people.enabledDone'
    await change(() => patch(person, { disabled }), t(done, { name }))
  }
  async function endSessions(person: WirePerson): Promise<void> {
    const name = isolate(person.name)
    if (!(await confirm({ title: t('people.endSessions'), text: t('people.endSessionsText', { name }) }))) return
    const end = () => api(`/auth/people/${person.id}/sessions`, { method: 'DELETE' })
    await change(end, t('people.sessionsEnded', { name }))
  }
  /** The link, shown once; null if there is none. */
  async function makeResetLink(person: WirePerson): Promise<ResetLinkAnswer | null> {
    let link: ResetLinkAnswer | null = null
    await attempt(async () => {
      link = await api<ResetLinkAnswer>(`/auth/people/${person.id}/reset`, { method: 'POST' })
    })
    return link
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
