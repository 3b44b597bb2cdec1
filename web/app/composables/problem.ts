import { FetchError } from 'ofetch'
import { PROBLEMS, type ProblemBody, type ProblemCode } from '#contract/problems.ts'

/** What went wrong with a call: the server's own word, or that it could not be reached. */
export type Problem = Pick<ProblemBody, 'fields' | 'retryAfter' | 'minLength' | 'requestId'> & { code: ProblemCode | 'unreachable' }

export const isProblemCode = (value: unknown): value is ProblemCode => typeof value === 'string' && Object.hasOwn(PROBLEMS, value)

/** Reads a failed call. An answer without a code of ours came from something in between, e.g. a proxy. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof FetchError)) throw error
  const body = error.data as Partial<ProblemBody> | undefined
  if (isProblemCode(body?.code)) return { ...body, code: body.code }
  return { code: error.status === undefined || error.status >= 502 ? 'unreachable' : 'internal' }
}

/** One plain sentence in the reader's language. */
export function useProblemText(): (problem: Problem) => string {
  const { t } = useI18n()
  return problem => t(`problem.${problem.code}`, {
    seconds: problem.retryAfter ?? 0,
    wait: problem.retryAfter === undefined ? '' : t('problem.wait', { seconds: problem.retryAfter }),
    minLength: problem.minLength ?? 15,
  })
}
