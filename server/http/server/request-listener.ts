import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Log } from '../../base/log.ts'
import type { PorchlightResponse } from '../response/server-response.ts'
import type { ContextFactory } from '../request/context-factory.ts'
import { announcesBody, type RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'
import type { RequestSpans } from './request-spans.ts'
import { runSteps, type Step } from '../steps/pipeline.ts'

interface Deps {
  log: Log
  contexts: ContextFactory
  steps: readonly Step[]
  /** Handles requests that no step answered. May throw or reject, as steps may. */
  handle: (ctx: RequestContext, incoming: IncomingMessage, outgoing: PorchlightResponse) => unknown
  /**
   * Called once per request, when its response has been sent or its connection has closed.
   * @param status null: it closed before any response
   * @param whole false: it closed before the response's end
   */
  done: (ctx: RequestContext, status: number | null, whole: boolean) => void
  /** null: requests are not traced. */
  spans: RequestSpans | null
}

/**
 * How long a refused request may continue to send its body before the connection is closed, so that the client can read
 * our response.
 */
const LINGER_MS = 1000

/** Node's request listener: runs the steps for one request. Synchronous as long as the steps are. */
export function requestListener(deps: Deps) {
  const { log, contexts, steps, handle, spans } = deps

  // `this` is the response: one function for all requests, instead of a closure for each.
  function closed(this: PorchlightResponse): void {
    if (this.ctx !== null) deps.done(this.ctx, this.headersSent ? this.statusCode : null, this.writableFinished)
  }

  function begin(ctx: RequestContext, incoming: IncomingMessage, outgoing: PorchlightResponse): void {
    const fail = (error: unknown) => {
      // A page that had begun to render set its own policy.
      ctx.contentSecurityPolicy = null
      ctx.compression = null
      send(incoming, outgoing, problemReply(ctx, asProblem(error, ctx, log)))
    }
    const proceed = (reply: Reply | undefined): unknown => {
      if (reply !== undefined) return send(incoming, outgoing, reply)
      // No step refused the request, so its body may be sent now.
      ctx.askForBody()
      return handle(ctx, incoming, outgoing)
    }
    try {
      const reply = runSteps(steps, ctx)
      const outcome = reply instanceof Promise ? reply.then(proceed) : proceed(reply)
      if (outcome instanceof Promise) outcome.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  return (incoming: IncomingMessage, outgoing: PorchlightResponse, expectsContinue = false): void => {
    const ctx = contexts.ofIncoming(incoming)
    outgoing.ctx = ctx
    outgoing.on('close', closed)
    if (expectsContinue) ctx.inviteBody = () => outgoing.writeContinue()
    if (spans === null) begin(ctx, incoming, outgoing)
    else spans.run(ctx, () => begin(ctx, incoming, outgoing))
  }
}

function send(incoming: IncomingMessage, outgoing: PorchlightResponse, reply: Reply): void {
  if (outgoing.headersSent) {
    // It is too late for another response, so the connection is closed.
    outgoing.destroy()
    return
  }
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
  const { status, headers, body } = reply
  if (body instanceof Readable) {
    outgoing.writeHead(status, headers as string[])
    // If reading fails now, pipeline closes the connection.
    pipeline(body, outgoing, () => {})
  } else {
    const bytes = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    outgoing.writeHead(status, body === null ? (headers as string[]) : [...headers, 'Content-Length', String(bytes)])
    if (body === null || outgoing.req.method === 'HEAD') outgoing.end()
    // Plain ASCII, which Node writes in half the time if told so.
    else if (typeof body === 'string' && bytes === body.length) outgoing.end(body, 'latin1')
    else outgoing.end(body)
  }
  linger(incoming)
}

/**
 * After a response that was sent before the whole request was received, gives the client a moment to stop sending and
 * read, then closes the connection.
 */
export function linger(incoming: IncomingMessage): void {
  // Node reports a request without a body as complete only a moment later; a timer for each would keep them all in
  // memory until then.
  if (incoming.complete || !announcesBody(incoming.headers)) return
  incoming.resume()
  setTimeout(() => incoming.complete || incoming.destroy(), LINGER_MS).unref()
}
