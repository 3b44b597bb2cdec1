import { type Clock, DAY } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { Config } from '../../config/types.ts'
import type { RequestContext } from '../request/request-context.ts'
import { JWKS_PATH } from './serve-jwks.ts'
import { METADATA_PATHS } from './serve-metadata.ts'
import { problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** Whether the server can do its work: null, or why not. */
export type Readiness = () => Promise<Problem | null>

interface WellKnown {
  jwks: (ctx: RequestContext) => Reply
  metadata: (ctx: RequestContext) => Reply
  securityTxt: () => Reply | null
}

const SECURITY_TXT_PATH = '/.well-known/security.txt'
const TEXT = ['Content-Type', 'text/plain; charset=utf-8']

/** `/healthz`: the process is alive. `/readyz`: it can serve, so that a load balancer may send it requests. */
function answerHealth(readiness: Readiness) {
  return async (ctx: RequestContext): Promise<Reply> => {
    if (ctx.path === '/healthz') return { status: 200, headers: TEXT, body: 'ok\n' }
    const problem = await readiness()
    return problem === null ? { status: 200, headers: TEXT, body: 'ready\n' } : problemReply(ctx, problem)
  }
}

/** Limits how long a copy stays valid, since an outdated contact is worse than none. */
const SECURITY_TXT_MS = 30 * DAY

/**
 * Where to report vulnerabilities, if a contact is configured.
 * @see RFC 9116 §2.5
 */
export function answerSecurityTxt({
  clock,
  config: { publicUrl, securityContact },
}: {
  clock: Clock
  config: Pick<Config, 'publicUrl' | 'securityContact'>
}) {
  return (): Reply | null => {
    if (securityContact === null) return null
    const expires = new Date(clock.now().wall + SECURITY_TXT_MS).toISOString()
    return {
      status: 200,
      headers: TEXT,
      body: `Contact: ${securityContact}\nExpires: ${expires}\nCanonical: ${publicUrl}${SECURITY_TXT_PATH}\n`,
    }
  }
}

/** `/.well-known/*`: unknown names are 404 and never the site's page (UX-14), because clients take a 200 for support. */
function answerWellKnown(ctx: RequestContext, { jwks, metadata, securityTxt }: WellKnown): Reply {
  if (METADATA_PATHS.has(ctx.path)) return metadata(ctx)
  switch (ctx.path) {
    case JWKS_PATH:
      return jwks(ctx)
    case SECURITY_TXT_PATH:
      return securityTxt() ?? problemReply(ctx, new Problem('not_found'))
    case '/.well-known/change-password':
      return { status: 303, headers: ['Location', '/account'], body: null }
    default:
      return problemReply(ctx, new Problem('not_found'))
  }
}

/** Answers the families that need no cookies, before any cookie is read. */
export function answerWithoutCookies({ readiness, ...wellKnown }: WellKnown & { readiness: Readiness }) {
  const health = answerHealth(readiness)
  return (ctx: RequestContext): Reply | undefined | Promise<Reply | undefined> => {
    if (ctx.family === 'health') return health(ctx)
    if (ctx.family === 'well_known') return answerWellKnown(ctx, wellKnown)
    return undefined
  }
}
