import type { Context } from 'hono'
import type { Log } from '../../base/log.ts'
import { peerOf } from '../../base/peer.ts'
import type { Attempt } from '../../base/log-events.ts'
import { Problem } from '../../base/problem.ts'
import { logSecurity, type SecurityLine } from '../../base/security-log.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { SignInMethod } from '../../login/sign-in-method.ts'
import type { Env } from '../request/hono-env.ts'

/** `attempt` may change along the way, because a callback only reveals what it is for once opened. */
export interface How {
  attempt: Attempt
  method: string
  provider?: string
  /** Set if another step must follow before anything is decided: then nothing is logged. */
  undecided?: boolean
}

/** The fields by which a method is logged. */
export function loggedAs(method: SignInMethod): Pick<How, 'method' | 'provider'> {
  const { id } = method
  return method.describe().kind === 'provider'
    ? { method: 'provider', provider: id }
    : { method: id.replaceAll('-', '_') }
}

/** Wrong or missing credentials. */
const NOT_SHOWN: ReadonlySet<ProblemCode> = new Set([
  'invalid_credentials',
  'invalid_code',
  'code_required',
  'incorrect_code',
  'clock_differs',
  'passkey_unknown',
  'passkey_refused',
  'user_verification_required',
  'login_expired',
  'provider_refused',
  'provider_answer_invalid',
])

/**
 * Logs one line per attempt to gain access, whatever the outcome. The store logs created accounts, reset passwords and
 * linked identities with the change itself.
 * @param work reports the account concerned once it is known
 */
export async function logAttempt<T>(
  c: Context<Env>,
  log: Log,
  how: How,
  work: (isAbout: (accountId: string) => void) => Promise<T>,
): Promise<T> {
  let accountId: string | undefined
  const line = () => ({
    method: how.method,
    provider: how.provider,
    accountId,
    network: peerOf(c.get('caller').client.network),
    requestId: c.get('requestId'),
  })
  try {
    const result = await work(id => {
      accountId = id
    })
    if (how.undecided !== true && (how.attempt === 'sign_in' || how.attempt === 'reauthentication'))
      logSecurity(log, { event: `${how.attempt}_succeeded`, outcome: 'success', ...line() })
    return result
  } catch (error) {
    if (error instanceof Problem) accountId = error.accountId ?? accountId
    logSecurity(log, { ...judged(how.attempt, error), ...line() })
    throw error
  }
}

function judged(attempt: Attempt, error: unknown): Pick<SecurityLine, 'event' | 'outcome' | 'reason'> {
  if (!(error instanceof Problem)) return { event: `${attempt}_error`, outcome: 'error', reason: 'internal' }
  if (NOT_SHOWN.has(error.code)) return { event: `${attempt}_failed`, outcome: 'failure', reason: error.code }
  if (error.status >= 500) return { event: `${attempt}_error`, outcome: 'error', reason: error.code }
  return { event: `${attempt}_denied`, outcome: 'denied', reason: error.code }
}
