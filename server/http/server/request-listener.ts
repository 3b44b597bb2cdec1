import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Match } from '../../relay/route-matcher.ts'
import type { PorchlightResponse } from '../response/server-response.ts'
import { announcesBody, RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'
import { runSteps, type Step } from '../steps/pipeline.ts'

interface Deps {
  clock: Clock
  log: Log
  requestId: (incoming: IncomingMessage) => string
  /** Brings a request's target into the form that all others have. */
  toOriginForm: (incoming: IncomingMessage) => void
  network: (ctx: RequestContext) => string
  match: (path: string) => Match | null
  way: readonly Step[]
  /** Takes the requests that no step answered. It may throw, or reject, as steps do. */
  arrive: (ctx: RequestContext, incoming: IncomingMessage, outgoing: PorchlightResponse) => unknown
  /**
   * Called once for each request, when its answer is out or its connection is gone.
   * @param status null: it was gone before any answer
   * @param whole false: before the answer's end
   */
  done: (ctx: RequestContext, status: number | null, whole: boolean) => void
}

/**
 * How long a refused request may go on sending its body before the connection is cut: time enough to read our answer.
 */
const LINGER_MS = 1000

/** Node's request listener: one request in, the list of steps, one answer out. Synchronous as long as the steps are. */
export function requestListener(deps: Deps) {
  const { clock, log, requestId, toOriginForm, network, match, way, arrive } = deps

  // `this` is the response: one function for all requests, instead of a closure for each.
  function closed(this: PorchlightResponse): void {
    if (this.ctx !== null) deps.done(this.ctx, this.headersSent ? this.statusCode : null, this.writableFinished)
  }

  return (incoming: IncomingMessage, outgoing: PorchlightResponse, expectsContinue = false): void => {
    toOriginForm(incoming)
    const ctx = new RequestContext({
      id: requestId(incoming),
      method: incoming.method ?? 'GET',
      target: incoming.url ?? '',
      headers: incoming.headers,
      startedAt: clock.now().steady,
      parent: null,
      incoming,
      network,
      match,
    })
    outgoing.ctx = ctx
    outgoing.on('close', closed)

    if (expectsContinue) ctx.inviteBody = () => outgoing.writeContinue()
    const fail = (error: unknown) => {
      // A page that was begun had a policy of its own.
      ctx.contentSecurityPolicy = null
      ctx.compression = null
      send(incoming, outgoing, problemReply(ctx, asProblem(error, ctx, log)))
    }
    const proceed = (reply: Reply | undefined): unknown => {
      if (reply !== undefined) return send(incoming, outgoing, reply)
      // Nobody refuses the request any more, so now its body may come.
      ctx.askForBody()
      return arrive(ctx, incoming, outgoing)
    }
    try {
      const reply = runSteps(way, ctx)
      const outcome = reply instanceof Promise ? reply.then(proceed) : proceed(reply)
      if (outcome instanceof Promise) outcome.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

function send(incoming: IncomingMessage, outgoing: PorchlightResponse, reply: Reply): void {
  if (outgoing.headersSent) {
    // Too late to say anything else: the connection is all that is left to end.
    outgoing.destroy()
    return
  }
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
  const { status, headers, body } = reply
  if (body instanceof Readable) {
    outgoing.writeHead(status, headers as string[])
    // Whatever goes wrong now, the connection is all that is left to end, and pipeline ends it.
    pipeline(body, outgoing, () => {})
  } else {
    const bytes = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    outgoing.writeHead(status, body === null ? (headers as string[]) : [...headers, 'Content-Length', String(bytes)])
    if (body === null || outgoing.req.method === 'HEAD') outgoing.end()
    // Nothing but ASCII, which Node writes in half the time when it need not look for more.
    else if (typeof body === 'string' && bytes === body.length) outgoing.end(body, 'latin1')
    else outgoing.end(body)
  }
  linger(incoming)
}

/**
 * An answer that came before the whole request: its client gets a moment to stop sending and read, then the connection
 * ends.
 */
export function linger(incoming: IncomingMessage): void {
  // Node tells a moment later that a request without a body is complete. Meanwhile a timer for each would keep all of
  // them in memory.
  if (incoming.complete || !announcesBody(incoming.headers)) return
  incoming.resume()
  setTimeout(() => incoming.complete || incoming.destroy(), LINGER_MS).unref()
}
