import type { Problem } from '~/utils/api-problem'

type Fields = Record<string, string | boolean>

const NEW_PASSWORD = ['password', 'next']
/** The fields that a problem is about when the server names none. */
const FIELDS_OF: Partial<Record<Problem['code'], readonly string[]>> = {
  email_taken: ['email'],
  invalid_code: ['code', 'invite'],
  invalid_credentials: ['current'],
  invite_required: ['invite'],
  password_breached: NEW_PASSWORD,
  password_common: NEW_PASSWORD,
  password_personal: NEW_PASSWORD,
  password_too_long: NEW_PASSWORD,
  password_too_short: NEW_PASSWORD,
}

/**
 * One form: what was typed, whether it is being sent, and what went wrong. A post that failed without JavaScript brings
 * its fields and its problem back, so the server renders the same.
 * @param page the path that such a post returns to, with the form's name after a `#` if the page has several; '' for a
 *   form that needs JavaScript
 */
export function useForm<F extends Fields>(page: string, initial: F, send: (fields: F) => Promise<void>) {
  const { t } = useI18n()
  const kept = useSiteContext().form.value
  const failed = kept?.page === page ? kept : null
  const linked = page === '' ? null : useQueryProblem(page.split('#')[1])

  const fields = reactive({ ...initial, ...keptFields(initial, failed?.fields ?? {}) }) as F
  const problem = ref<Problem | null>(failed?.problem ?? linked)
  const busy = ref(false)

  async function submit(event: Event): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = null
    try {
      await send(fields)
    } catch (error) {
      problem.value = problemOf(error)
      await nextTick()
      focusFirstInvalid(event.target)
    } finally {
      busy.value = false
    }
  }
  function errorOf(name: string): string | undefined {
    if (problem.value === null) return undefined
    const { code, fields: named = {} } = problem.value
    return named[name] !== undefined || FIELDS_OF[code]?.includes(name) ? t('field.check') : undefined
  }
  return { fields, problem, busy, submit, errorOf }
}

/** The kept values of fields that the form has; a box was posted only if it was ticked. */
function keptFields(initial: Fields, kept: Readonly<Record<string, string>>): Fields {
  const known = Object.entries(kept).filter(([name]) => name in initial)
  return Object.fromEntries(
    known.map(([name, value]) => [name, typeof initial[name] === 'boolean' ? true : value] as const),
  )
}

/** The notice is announced as an alert, so the focus can go where something has to be changed. */
function focusFirstInvalid(form: EventTarget | null): void {
  if (form instanceof HTMLElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}
