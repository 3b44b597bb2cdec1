import type { IncomingMessage } from 'node:http'
import { Problem } from '../../base/problem.ts'
import type { Exchange } from '../request/request-context.ts'
import { limitBody } from './limit-body.ts'
import { methodNotAllowed, problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** @param token null: the request held none, or more than one */
export type BackchannelLogout = (provider: string, token: string | null) => Promise<void>

const PREFIX = '/auth/backchannel/'
const FORM_TYPE = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i

/** `POST /auth/backchannel/PROVIDER`: a provider's server says that somebody signed out there. It has no cookies and comes from
 * no page of ours; its signed token is the proof, so it is answered before anybody looks at either.
 * @see OIDC Back-Channel Logout §2.5, §2.8 */
export function answerBackchannel(logout: BackchannelLogout) {
  async function answer(exchange: Exchange, incoming: IncomingMessage): Promise<Reply> {
    await limitBody(exchange)
    const provider = exchange.path.slice(PREFIX.length)
    await logout(provider, FORM_TYPE.test(exchange.headers['content-type'] ?? '') ? tokenIn(incoming) : null)
    return { status: 200, headers: [], body: null }
  }

  return (exchange: Exchange): Reply | undefined | Promise<Reply> => {
    if (!exchange.path.startsWith(PREFIX)) return undefined
    if (exchange.method !== 'POST') return methodNotAllowed(exchange, ['POST'])
    // A page that is rendering signs nobody out.
    if (exchange.incoming === null) return problemReply(exchange, new Problem('not_found'))
    return answer(exchange, exchange.incoming)
  }
}

/** limitBody has read the body. */
function tokenIn(incoming: IncomingMessage): string | null {
  const { rawBody } = incoming as IncomingMessage & { rawBody?: Buffer }
  const tokens = new URLSearchParams(rawBody?.toString('utf8') ?? '').getAll('logout_token')
  return tokens.length === 1 ? tokens[0] || null : null
}
