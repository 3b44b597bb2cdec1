import type { ProblemCode } from '../problem-codes.ts'
import type { Call, CallName } from './call.ts'

/** What any request can meet before its call is looked at. */
const ALWAYS: readonly ProblemCode[] = ['bad_request', 'bad_path', 'headers_too_large', 'internal']
const WITH_COOKIES: readonly ProblemCode[] = ['duplicate_cookies', 'session_replaced', 'store_unavailable']
const WITH_BODY: readonly ProblemCode[] = ['body_too_large', 'request_timeout', 'invalid_body']

/** Every problem that a call can answer, in the order of the codes: its own, and those that follow from its kind. */
export function problemsOf(name: CallName, call: Call): ProblemCode[] {
  const [method = '', path = ''] = name.split(' ')
  const safe = method === 'GET'
  const hasCookies = call.caller !== 'server'
  const codes = new Set<ProblemCode>([...ALWAYS, ...(call.problems ?? [])])
  const add = (...more: readonly ProblemCode[]) => more.forEach(code => codes.add(code))
  // Probes and upstreams may use an internal name.
  if (!path.startsWith('/.well-known/') && path !== '/healthz' && path !== '/readyz') add('wrong_host')
  if (hasCookies) add(...WITH_COOKIES)
  if (hasCookies && !safe) add('cross_origin')
  if (hasCookies && !safe && method !== 'DELETE' && path !== '/auth/logout') add('slow_down')
  if (!safe) add(...WITH_BODY)
  if (call.body !== undefined) add('unsupported_media_type', 'invalid_json')
  if (call.caller === 'user' || call.caller === 'administrator') add('not_signed_in', 'second_factor_required')
  // Power is judged again where something is written.
  if (call.caller === 'administrator') add('forbidden')
  if (call.path !== undefined) add('not_found')
  if (call.query !== undefined) add('invalid_query')
  return [...codes].sort()
}
