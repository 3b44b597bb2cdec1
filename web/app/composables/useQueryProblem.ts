import { isProblemCode, type Problem } from '~/utils/api-problem'

/**
 * The failure that led to this page, named in its address: a redirect can carry nothing else.
 * @param form the form that asks, on a page with several: each shows its own problem
 */
export function useQueryProblem(form?: string): Problem | null {
  const { problem, provider, form: failed } = useRoute().query
  if (failed !== form) return null
  // Anybody can write an address, so only a code with a sentence counts.
  if (!isProblemCode(problem) || !useI18n().has(`problem.${problem}`)) return null
  return typeof provider === 'string' ? { code: problem, provider } : { code: problem }
}
