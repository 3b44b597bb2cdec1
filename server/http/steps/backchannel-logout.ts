import type { IncomingMessage } from 'node:http'
import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'
import { limitBody } from './limit-body.ts'
import { methodNotAllowed, problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** @param token null if the request had none, or more than one */
export type BackchannelLogout = (provider: string, token: string | null) => Promise<void>

const PREFIX = '/auth/backchannel/'
const FORM_TYPE = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i

/** `POST /auth/backchannel/PROVIDER`: a provider's server reports a sign-out there. It has no cookies and comes from none of our pages; its signed token is the proof, so it is handled before either is checked. @see OIDC Back-Channel Logout §2.5, §2.8 */
export function answerBackchannel(logout: BackchannelLogout) {
  async function answer(ctx: RequestContext, incoming: IncomingMessage): Promise<Reply> {
    await limitBody(ctx)
    const provider = ctx.path.slice(PREFIX.length)
    await logout(provider, FORM_TYPE.test(ctx.headers['content-type'] ?? '') ? tokenIn(incoming) : null)
    return { status: 200, headers: [], body: null }
  }

  return (ctx: RequestContext): Reply | undefined | Promise<Reply> => {
    if (!ctx.path.startsWith(PREFIX)) return undefined
    if (ctx.method !== 'POST') return methodNotAllowed(ctx, ['POST'])
    // Rendering pages must not sign anyone out.
    if (ctx.incoming === null) return problemReply(ctx, new Problem('not_found'))
    return answer(ctx, ctx.incoming)
  }
}

/** limitBody has read the body. */
function tokenIn(incoming: IncomingMessage): string | null {
  const { rawBody } = incoming as IncomingMessage & { rawBody?: Buffer }
  const tokens = new URLSearchParams(rawBody?.toString('utf8') ?? '').getAll('logout_token')
  return tokens.length === 1 ? tokens[0] || null : null
}
