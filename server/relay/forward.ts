import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { chain, type MaybePromise } from '../base/chain.ts'
import type { Upstream } from '../config/upstream.ts'
import { Problem } from '../base/problem.ts'
import { OutgoingBody } from './body.ts'
import { asUpstreamProblem } from './failures.ts'
import { isEventStream } from './event-stream.ts'
import { joined, type ResponseFilter } from './response-headers.ts'
import type { Sink, UpstreamHeaders } from './types.ts'

/** Makes headers for another try. */
export type Retry = () => Promise<string[]>

/** One call of an upstream, with every header decided. */
export interface Call {
  upstream: Upstream
  method: string
  path: string
  search: string
  headers: string[]
  body: Readable | null
  /** An upstream refused its token, and nothing was passed on yet. @returns null: the 401 is passed on */
  onUnauthorized: ((headers: UpstreamHeaders) => Retry | null) | null
  /** Looks at an answer's headers; null: nobody wants to. */
  onHeaders: ((headers: UpstreamHeaders) => void) | null
  /** An event stream has begun: it ends when `close` is called. @returns call it when the stream has ended by itself */
  onStream: ((close: () => void) => () => void) | null
}

export type Pools = ReturnType<typeof createPools>

/** One pool of connections for each upstream. HTTP/1.1: what is relayed is bytes, not streams of another protocol. */
export function createPools() {
  const pools = new Map<string, Pool>()
  return {
    of(upstream: Upstream): MaybePromise<Pool> {
      return pools.get(upstream.name) ?? make(upstream)
    },
    /** Cuts what is under way: for the end of the process. */
    async close(): Promise<void> {
      await Promise.all([...pools.values()].map(pool => pool.destroy()))
      pools.clear()
    },
  }

  async function make(upstream: Upstream): Promise<Pool> {
    // Loaded by the first call: it takes more memory than all that is idle before.
    const undici = await import('undici')
    const pool = pools.get(upstream.name) ?? new undici.Pool(upstream.target.origin, {
      connect: { timeout: upstream.timeouts.connectMs },
      headersTimeout: upstream.timeouts.headersMs,
      // The idle time of an answer is counted by forward(): an event stream may be silent for as long as it likes.
      bodyTimeout: 0,
      maxHeaderSize: upstream.maxHeaderBytes,
      allowH2: false,
      pipelining: 1,
    })
    pools.set(upstream.name, pool)
    return pool
  }
}

/** Passes one request on and its answer back, as it comes: nothing is kept, pauses and ends are passed both ways.
 * @returns when the answer is complete, or has been cut
 * @throws Problem `upstream_unreachable`, `upstream_timeout`, `body_too_large` as long as nothing was passed on */
export function forward(pools: Pools, call: Call, sink: Sink, filter: ResponseFilter): MaybePromise<void> {
  return chain(pools.of(call.upstream), pool => new Promise((resolve, reject) => {
    new Passage({ pool, call, sink, filter, resolve, reject }).begin()
  }))
}

interface Parts {
  pool: Pool
  call: Call
  sink: Sink
  filter: ResponseFilter
  resolve: () => void
  reject: (error: unknown) => void
}

/** One call on its way there and back. undici calls it as the answer comes: a class, because a closure for each of its methods
 * would be made for every call. */
class Passage implements Dispatcher.DispatchHandler {
  readonly #parts: Parts
  #controller: Dispatcher.DispatchController | null = null
  #body: Readable | null = null
  #retry: Retry | null = null
  /** Something has reached the sink: what fails from now on can only be cut. */
  #started = false
  /** Nobody waits for the rest. */
  #gone = false
  #over = false
  #idle: NodeJS.Timeout | null = null
  #leaveStream: (() => void) | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  begin(): void {
    const { sink, call } = this.#parts
    sink.onGone(() => this.#abandon('nobody reads the answer any more'))
    this.#dispatch(call.headers)
  }

  #dispatch(headers: string[]): void {
    const { pool, call: { method, path, search, body, upstream } } = this.#parts
    this.#retry = null
    this.#body = body === null ? null : new OutgoingBody(body, { maxBytes: upstream.maxBodyBytes, idleMs: upstream.timeouts.idleMs })
    pool.dispatch({ method, path: path + search, headers, body: this.#body }, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#gone) this.#abandon('nobody reads the answer any more')
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    // 1xx other than 101 are for this hop; Node has answered 100 itself.
    if (status < 200) return
    const { call, sink, filter } = this.#parts
    const { upstream } = call
    call.onHeaders?.(headers)
    // A body that went out cannot go out again.
    if (status === 401 && call.body === null) this.#retry = call.onUnauthorized?.(headers) ?? null
    // What it says of its refusal is of no use, and may never end.
    if (this.#retry !== null) return controller.abort(new Error('asked again with other credentials'))
    if (status > 599) return controller.abort(new Problem('upstream_unreachable', { detail: `"${upstream.name}" answered with a status that is none.` }))
    const relayed = filter.headers(status, headers, upstream, call.path + call.search)
    sink.start(status, relayed.headers, relayed.policy)
    this.#started = true
    sink.onDrain(() => {
      this.#idle?.refresh()
      controller.resume()
    })
    if (isEventStream(joined(headers['content-type'] ?? ''))) this.#stay(controller)
    // Most answers are complete within this turn, and need no timer.
    else process.nextTick(Passage.#watch, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#idle?.refresh()
    if (!this.#parts.sink.write(chunk)) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: UpstreamHeaders): void {
    this.#parts.sink.end(this.#parts.filter.trailers(trailers))
    this.#finish()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#retry === null || this.#gone) this.#fail(error)
    else this.#retry().then(headers => this.#dispatch(headers), this.#parts.reject)
  }

  /** An event stream may stay for days, beside thousands of others: what only its beginning needed is let go. */
  #stay(controller: Dispatcher.DispatchController): void {
    const { call } = this.#parts
    controller.rawHeaders = null
    call.headers = []
    call.onUnauthorized = null
    this.#leaveStream = call.onStream?.(() => this.#endStream()) ?? null
  }

  /** The session of an event stream is over: what was sent of it is whole. */
  #endStream(): void {
    this.#parts.sink.end(NO_TRAILERS)
    this.#abandon('the session of the stream is over')
  }

  #abandon(why: string): void {
    this.#gone = true
    this.#controller?.abort(new Error(why))
  }

  static #watch(passage: Passage): void {
    if (passage.#over) return
    const silent = () => passage.#controller?.abort(new Error('the upstream fell silent'))
    passage.#idle = setTimeout(silent, passage.#parts.call.upstream.timeouts.idleMs)
  }

  #release(): void {
    this.#over = true
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#leaveStream?.()
    this.#body?.destroy()
  }

  #finish(): void {
    this.#release()
    this.#parts.resolve()
  }

  #fail(error: Error): void {
    const { call, sink, reject } = this.#parts
    if (!this.#started && !this.#gone) {
      this.#release()
      return reject(asUpstreamProblem(error, call.upstream.name))
    }
    if (!this.#gone) sink.cut()
    this.#finish()
  }
}

const NO_TRAILERS: [string, string][] = []
