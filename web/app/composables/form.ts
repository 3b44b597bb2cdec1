import type { Problem } from './problem.ts'

/** One form: what was typed, whether it is on its way, what went wrong. Works the same when the server rendered it after a
 * failed post without JavaScript: then the kept fields and the problem are there from the start. */
export function useForm<F extends Record<string, string>>(page: string, initial: F, send: (fields: F) => Promise<void>) {
  const route = useRoute()
  const kept = useKeptForm().value
  const here = kept?.page === page ? kept : null
  const known = Object.fromEntries(Object.entries(here?.fields ?? {}).filter(([name]) => name in initial))
  const asked = isProblemCode(route.query.problem) ? { code: route.query.problem } : null

  const fields = reactive({ ...initial, ...known }) as F
  const problem = ref<Problem | null>(here?.problem ?? asked)
  const busy = ref(false)

  async function submit(): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = null
    try {
      await send(fields)
    }
    catch (error) {
      problem.value = problemOf(error)
    }
    finally {
      busy.value = false
    }
  }
  return { fields, problem, busy, submit }
}
