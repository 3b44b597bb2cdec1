import type { Problem } from './useProblem.ts'

/** One form: what was typed, whether it is on its way, what went wrong. The same when the server rendered it after a
 * failed
 * post without JavaScript: then the kept fields and the problem are there from the start.
 * @param page the path of the page whose posts without JavaScript come back here, of several forms with its name
 * after a `#`;
 *   '' for a form that needs JavaScript */
export function useForm<F extends Record<string, string>>(
  page: string,
  initial: F,
  send: (fields: F) => Promise<void>,
) {
  const { t } = useI18n()
  const kept = useKeptForm().value
  const here = kept !== null && kept.page === page ? kept : null
  const known = Object.fromEntries(Object.entries(here?.fields ?? {}).filter(([name]) => name in initial))
  const asked = page === '' ? null : useQueryProblem(page.split('#')[1])

  const fields = reactive({ ...initial, ...known }) as F
  const problem = ref<Problem | null>(here?.problem ?? asked)
  const busy = ref(false)

  async function submit(): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = null
    try {
      await send(fields)
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  const errorOf = (name: string): string | undefined =>
    problem.value?.fields?.[name] === undefined ? undefined : t('field.check')
  return { fields, problem, busy, submit, errorOf }
}
