import type { SessionAnswer } from '#contract/wire.ts'

/**
 * A form that signs somebody in, by password: sign-in, sign-up and set-up.
 * @param page the path of the page that shows it
 * @param endpoint takes the fields as JSON and answers with the new session
 */
export function useSignInForm<F extends Record<string, string | boolean>>(page: string, endpoint: string, initial: F) {
  const api = useApi()
  const { accept } = useUserSession()
  const methods = useSignInMethods()
  const lastMethod = useLastMethod()
  const { returnTo, query, goTo } = useReturnTo()

  const form = useForm(page, initial, async fields => {
    accept(await api<SessionAnswer>(endpoint, { method: 'POST', body: filledIn(fields) }))
    if (methods.providers.value.length > 0) lastMethod.value = BY_PASSWORD
    tellOtherTabs()
    await goTo(returnTo.value)
  })
  return { ...form, ...methods, returnTo, query }
}

/** As the server reads a posted form: an empty field is absent. */
function filledIn(fields: Record<string, string | boolean>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))
}
