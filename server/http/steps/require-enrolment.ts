import { mustEnrol } from '../../accounts/second-factor-policy.ts'
import { Problem } from '../../base/problem.ts'
import type { Config } from '../../config/types.ts'
import { knowsCallers } from '../../config/upstream-config.ts'
import { HOME } from '../../contract/return-to.ts'
import { ENROLMENT_PAGE, isUnderAny, PAGES_WITHOUT_ENROLMENT } from '../../contract/reserved.ts'
import { isPrefetch } from '../request/prefetch.ts'
import type { RequestContext } from '../request/request-context.ts'
import type { ReturnPaths } from '../request/return-paths.ts'
import type { Reply } from '../response/reply.ts'

/** Calls for enrolling, for confirming who one is, and for signing out or in as somebody else. */
const OPEN_CALLS = [
  '/auth/session',
  '/auth/methods',
  '/auth/factors',
  '/auth/totp',
  '/auth/recovery-codes',
  '/auth/passkeys',
  '/auth/second-factor',
  '/auth/reauthenticate',
  '/auth/login',
  '/auth/callback',
  '/auth/logout',
]

interface Deps {
  policy: Config['secondFactor']
  returnPaths: Pick<ReturnPaths, 'backTo'>
}

/**
 * Where a second factor is required, people who have none reach nothing but its enrolment (ASVS 6.3.3): pages lead to
 * it, and everything else is refused. What does not depend on who calls stays open, as it is to strangers.
 */
export function requireEnrolment({ policy, returnPaths }: Deps) {
  return (ctx: RequestContext): Reply | undefined => {
    const who = ctx.caller?.signedIn ?? null
    if (policy === 'optional' || who === null || !mustEnrol(policy, who.user, who.session)) return undefined
    if (isOpen(ctx)) return undefined
    const isPage = ctx.navigation && !ctx.upgrade && (ctx.method === 'GET' || ctx.method === 'HEAD')
    if (!isPage || ctx.family === 'auth' || isPrefetch(ctx.headers)) throw new Problem('second_factor_required')
    const returnTo = returnPaths.backTo(ctx)
    const query = returnTo === HOME ? '' : `?${new URLSearchParams({ returnTo }).toString()}`
    return { status: 303, headers: ['Location', ENROLMENT_PAGE + query, 'Cache-Control', 'no-store'], body: '' }
  }
}

function isOpen({ family, match, path, navigation }: RequestContext): boolean {
  if (match !== null) return !knowsCallers(match.upstream)
  if (family === 'auth') return isUnderAny(path, OPEN_CALLS)
  // Its files; what its server renders or answers knows who asks.
  if (family === 'site')
    return isUnderAny(path, PAGES_WITHOUT_ENROLMENT) || (!navigation && !isUnderAny(path, ['/api']))
  return family !== 'app' && family !== 'api'
}
