import type { IncomingMessage } from 'node:http'
import { SECOND } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'

/** The largest body that a call below /auth/* needs is a form with one long password. */
const MAX_AUTH_BYTES = 64 * 1024
/** Nuxt's server routes read bodies into memory. */
const MAX_ROUTE_BYTES = 1024 * 1024
/** An application's routes may take pictures and documents. */
const MAX_APP_BYTES = 10 * 1024 * 1024
const MOST_BYTES = { auth: MAX_AUTH_BYTES, api: MAX_ROUTE_BYTES, app: MAX_APP_BYTES }
/** How long a body may take to arrive. */
const BODY_MS = 30 * SECOND

/**
 * Refuses bodies that are too large: at once if they announce their length, or else after that many bytes. Node's
 * parser guarantees that Content-Length is correct and not combined with Transfer-Encoding (ASVS 4.2). Bodies for
 * upstreams are limited by the relay and not read here.
 */
export function limitBody(ctx: RequestContext): undefined | Promise<undefined> {
  const { family, match, headers, incoming } = ctx
  if (ctx.hasBody && incoming?.readableDidRead === true)
    throw new Problem('internal', {}, new Error('the body was read before: no body parser may run before Porchlight'))
  if (match !== null || !Object.hasOwn(MOST_BYTES, family)) return
  const mostBytes = MOST_BYTES[family as keyof typeof MOST_BYTES]
  const length = headers['content-length']
  if (length !== undefined && Number(length) > mostBytes) throw new Problem('body_too_large')
  // Read before authentication, or a client that delays its body would be judged by an outdated session.
  if (!ctx.hasBody || incoming === null) return
  ctx.askForBody()
  return readWhole(incoming, mostBytes)
}

/** Reads a body up to the limit; Hono's adapter and h3 take it from `rawBody`. */
function readWhole(incoming: IncomingMessage, mostBytes: number): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const deadline = setTimeout(() => stop(new Problem('request_timeout')), BODY_MS)
    const stop = (problem: Problem) => {
      clearTimeout(deadline)
      incoming.off('data', collect)
      incoming.pause()
      reject(problem)
    }
    const collect = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) return stop(new Problem('body_too_large'))
      chunks.push(chunk)
    }
    incoming.on('data', collect)
    incoming.once('end', () => {
      clearTimeout(deadline)
      Object.assign(incoming, { rawBody: Buffer.concat(chunks) })
      resolve(undefined)
    })
    incoming.once('close', () => stop(new Problem('bad_request')))
  })
}
