import type { EmailAnswer } from '#contract/wire.ts'

/** My address, and changing it by a link that is mailed to the new one. */
export function useEmail() {
  const { t } = useI18n()
  const api = useApi()
  const attempt = useAttempt()
  const { say } = useToast()
  const { data: address, refresh } = useApiData<EmailAnswer>('/auth/email')

  async function ask(email: string): Promise<void> {
    await api('/auth/email', { method: 'POST', body: { email } })
    await refresh()
  }
  const form = useForm('/account#email', { email: '' }, async fields => {
    await ask(fields.email)
    fields.email = ''
    say(t('account.emailSent'))
  })
  async function cancel(): Promise<void> {
    if (await attempt(() => api('/auth/email', { method: 'DELETE' }), t('email.cancelled'))) await refresh()
  }
  return {
    ...form,
    address,
    isRefused: computed(() => address.value?.pending?.refused === true),
    /** Confirms the address that I have. */
    send: (email: string) => attempt(() => ask(email), t('account.emailSent')),
    cancel,
  }
}
