import { Problem } from '../base/problem.ts'
import type { Exchange } from './exchange.ts'
import { JWKS_PATH } from './jwks.ts'
import { problemReply } from './problems.ts'
import type { Reply } from './reply.ts'

/** Whether the server can do its work: null, or why not. */
export type Readiness = () => Promise<Problem | null>

const TEXT = ['Content-Type', 'text/plain; charset=utf-8']

/** `/healthz`: the process lives. `/readyz`: it can serve, so a balancer may send it requests. */
function answerHealth(readiness: Readiness) {
  return async (exchange: Exchange): Promise<Reply> => {
    if (exchange.path === '/healthz') return { status: 200, headers: TEXT, body: 'ok\n' }
    const problem = await readiness()
    return problem === null ? { status: 200, headers: TEXT, body: 'ready\n' } : problemReply(exchange, problem)
  }
}

/** `/.well-known/*`: what we do not know is 404 and never the site's page (UX-14): callers take a 200 for a yes. */
function answerWellKnown(exchange: Exchange, jwks: (exchange: Exchange) => Reply): Reply {
  switch (exchange.path) {
    case JWKS_PATH: return jwks(exchange)
    case '/.well-known/change-password': return { status: 303, headers: ['Location', '/account'], body: null }
    default: return problemReply(exchange, new Problem('not_found'))
  }
}

/** Families that need no cookies are answered before anybody looks at one. */
export function answerWithoutCookies({ readiness, jwks }: { readiness: Readiness, jwks: (exchange: Exchange) => Reply }) {
  const health = answerHealth(readiness)
  return (exchange: Exchange): Reply | undefined | Promise<Reply | undefined> => {
    if (exchange.family === 'health') return health(exchange)
    if (exchange.family === 'well_known') return answerWellKnown(exchange, jwks)
    return undefined
  }
}
