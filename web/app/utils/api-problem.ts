import { FetchError } from 'ofetch'
import type { ProblemBody, ProblemCode } from '#contract/problem-codes.ts'

/** Why a call failed: the server's own code, or that it could not be reached. */
export type Problem = Pick<ProblemBody, 'fields' | 'retryAfter' | 'minLength' | 'requestId' | 'provider'> & {
  code: ProblemCode | 'unreachable'
}

/** Checks the shape only: the list of all codes stays on the server, and one without a sentence reads as `internal`. */
export const isProblemCode = (value: unknown): value is ProblemCode =>
  typeof value === 'string' && /^[a-z_]{1,60}$/.test(value)

/**
 * Reads a failed call, also one made while the server rendered the page. A response without a code of ours came from
 * something in between, such as a proxy.
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

/** Gives an unanswered call a status: Nuxt would take an error without one for a 500 of the server. */
export const unanswered = (cause: unknown) => createError({ statusCode: 503, cause })

/** @throws anything that is not a failed call: a bug of ours must not look like a network problem */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof FetchError)) throw error
  return readProblem(error)
}
