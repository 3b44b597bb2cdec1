import { FetchError } from 'ofetch'
import type { ProblemBody, ProblemCode } from '#contract/problem-codes.ts'

/** What went wrong with a call: the server's own word, or that it could not be reached. */
export type Problem = Pick<ProblemBody, 'fields' | 'retryAfter' | 'minLength' | 'requestId' | 'provider'> & {
  code: ProblemCode | 'unreachable'
}

/**
 * Whether it looks like one; the list of all, with their English titles, need not travel: what has no words here is
 * `internal`.
 */
const isProblemCode = (value: unknown): value is ProblemCode =>
  typeof value === 'string' && /^[a-z_]{1,60}$/.test(value)

/**
 * Reads a failed call, also after it crossed from the server's render. An answer without a code of ours came from
 * something in between, e.g. a proxy.
 */
export function readProblem(error: unknown): Problem {
  const { data, status, statusCode } = (error ?? {}) as {
    data?: Partial<ProblemBody>
    status?: number
    statusCode?: number
  }
  if (isProblemCode(data?.code)) return { ...data, code: data.code }
  const answered = status ?? statusCode ?? 0
  return { code: answered === 0 || answered >= 502 ? 'unreachable' : 'internal' }
}

/**
 * For a page's data: Nuxt takes an error without a status for the server's own, and nothing was heard of the server.
 */
export const unanswered = (cause: unknown) => createError({ statusCode: 503, cause })

/** @throws whatever is no answer to a call: a mistake of ours shall not look like a problem of the network */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof FetchError)) throw error
  return readProblem(error)
}

/**
 * What the address of a page says of a failure that led here: a navigation can bring nothing else along.
 * @param form which form of the page asks, where it has several: each tells its own
 */
export function useQueryProblem(form?: string): Problem | null {
  const { problem, provider, form: failed } = useRoute().query
  if (failed !== form) return null
  // Anybody can write an address: only a problem that we can tell is one.
  if (!isProblemCode(problem) || !useI18n().has(`problem.${problem}`)) return null
  return typeof provider === 'string' ? { code: problem, provider } : { code: problem }
}

/** One plain sentence in the reader's language; a provider is called by its name where the page knows that. */
export function useProblemText(): (problem: Problem) => string {
  const { t, has } = useI18n()
  const providerName = useProviderName()
  return ({ code, retryAfter = 0, minLength = 0, provider = '' }) => {
    if (code === 'slow_down' && retryAfter > 0) {
      return retryAfter < 90
        ? t('problem.slowSeconds', { seconds: retryAfter })
        : t('problem.slowMinutes', { minutes: Math.ceil(retryAfter / 60) })
    }
    return t(`problem.${has(`problem.${code}`) ? code : 'internal'}`, { minLength, provider: providerName(provider) })
  }
}
