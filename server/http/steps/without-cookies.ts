import { type Clock, DAY } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { Config } from '../../config/types.ts'
import type { RequestContext } from '../request/request-context.ts'
import { JWKS_PATH } from './serve-jwks.ts'
import { METADATA_PATHS } from './serve-metadata.ts'
import { PASSKEY_ENDPOINTS_PATH, type PasskeyWellKnown, RELATED_ORIGINS_PATH } from './passkey-well-known.ts'
import { problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** Whether the server can do its work: null, or why not. */
export type Readiness = () => Promise<Problem | null>

interface WellKnown {
  jwks: (ctx: RequestContext) => Reply
  metadata: (ctx: RequestContext) => Reply
  securityTxt: () => Reply | null
  passkeys: PasskeyWellKnown
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

type Answering = (ctx: RequestContext, deps: WellKnown) => Reply

/** By path; a method or page of ours that has a well-known address is added here. */
export const WELL_KNOWN: ReadonlyMap<string, Answering> = new Map<string, Answering>([
  [JWKS_PATH, (ctx, { jwks }) => jwks(ctx)],
  ...[...METADATA_PATHS].map((path): [string, Answering] => [path, (ctx, { metadata }) => metadata(ctx)]),
  [SECURITY_TXT_PATH, (ctx, { securityTxt }) => securityTxt() ?? problemReply(ctx, new Problem('not_found'))],
  [RELATED_ORIGINS_PATH, (ctx, { passkeys }) => passkeys.relatedOrigins ?? problemReply(ctx, new Problem('not_found'))],
  [PASSKEY_ENDPOINTS_PATH, (ctx, { passkeys }) => passkeys.endpoints ?? problemReply(ctx, new Problem('not_found'))],
  ['/.well-known/change-password', () => ({ status: 303, headers: ['Location', '/account'], body: null })],
])

/** `/.well-known/*`: unknown names are 404 and never the site's page (UX-14), because clients take a 200 for support. */
function answerWellKnown(ctx: RequestContext, deps: WellKnown): Reply {
  return WELL_KNOWN.get(ctx.path)?.(ctx, deps) ?? problemReply(ctx, new Problem('not_found'))
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
