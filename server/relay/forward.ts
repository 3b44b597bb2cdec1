import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { mapMaybe, type MaybePromise } from '../base/maybe-promise.ts'
import { SECOND } from '../base/clock.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { Problem } from '../base/problem.ts'
import { OutgoingBody } from './request-body.ts'
import { wasStale } from './connector.ts'
import { isEventStream } from './event-stream.ts'
import { announcedTooOften, asUpstreamProblem, INTERIM_MAX } from './upstream-failures.ts'
import { longAfterMs, longLifeMs } from './long-response.ts'
import type { Pools } from './pools.ts'
import { joined, type ResponseFilter } from './response-headers.ts'
import type { Streams } from './streams.ts'
import type { RelayCaller, Sink, UpstreamHeaders } from './types.ts'
import { type CloseReason, problemFor, type UnderWay } from './under-way.ts'

/** Makes headers for another try. */
export type Retry = () => Promise<string[]>

/** One call of an upstream, with every header decided. */
export interface Call {
  upstream: Upstream
  caller: RelayCaller | null
  network: string
  method: string
  path: string
  search: string
  headers: string[]
  body: Readable | null
  /**
   * An upstream refused its token, and nothing was passed on yet.
   * @returns null: the 401 is passed on
   */
  onUnauthorized: ((headers: UpstreamHeaders) => Retry | null) | null
  /** Makes the headers anew, for a second try of a call that met a stale connection; null: it has been answered. */
  again: Retry | null
  /** Looks at an answer's headers; null: nobody wants to. */
  onHeaders: ((headers: UpstreamHeaders) => void) | null
}

/** How long a client may take to read what an ended stream has sent. */
const LAST_WORDS_MS = 5 * SECOND

/**
 * Passes one request on and its answer back, as it comes: nothing is kept, pauses and ends are passed both ways.
 * @returns when the answer is complete, or has been cut
 * @throws Problem `upstream_unreachable`, `upstream_timeout`, `body_too_large`, `too_many_streams`, or why it was
 * ended, as long as nothing was passed on
 */
export function forward(
  pools: Pools,
  streams: Streams,
  call: Call,
  sink: Sink,
  filter: ResponseFilter,
): MaybePromise<void> {
  return mapMaybe(
    pools.of(call.upstream),
    pool =>
      new Promise((resolve, reject) => {
        new Passage({ pool, streams, call, sink, filter, resolve, reject }).begin()
      }),
  )
}

interface Parts {
  pool: Pool
  streams: Streams
  call: Call
  sink: Sink
  filter: ResponseFilter
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * One call on its way there and back. undici calls it as the answer comes: a class, because a closure for each of its
 * methods would be made for every call.
 */
class Passage implements Dispatcher.DispatchHandler, UnderWay {
  readonly #parts: Parts
  #controller: Dispatcher.DispatchController | null = null
  #body: Readable | null = null
  #retry: Retry | null = null
  /** A byte of an answer has come. */
  #heard = false
  #triedAgain = false
  #interim = 0
  /** Something has reached the sink: what fails from now on can only be cut. */
  #started = false
  /** Nobody waits for the rest. */
  #gone = false
  #over = false
  #idle: NodeJS.Timeout | null = null
  #long: NodeJS.Timeout | null = null
  #isEvents = false
  /** Its upstream said how long the body is. */
  #isSized = false
  /** Why it may not go on, once it may not. */
  #ended: CloseReason | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get upstream(): Upstream {
    return this.#parts.call.upstream
  }

  get caller(): RelayCaller | null {
    return this.#parts.call.caller
  }

  get network(): string {
    return this.#parts.call.network
  }

  begin(): void {
    const { sink, call, streams } = this.#parts
    streams.join(this)
    sink.onGone(() => this.#abandon('nobody reads the answer any more'))
    this.#dispatch(call.headers)
  }

  #dispatch(headers: string[]): void {
    const {
      pool,
      call: { method, path, search, body, upstream },
    } = this.#parts
    this.#retry = null
    this.#heard = false
    this.#body =
      body === null
        ? null
        : new OutgoingBody(body, { maxBytes: upstream.maxBodyBytes, idleMs: upstream.timeouts.idleMs })
    pool.dispatch({ method, path: path + search, headers, body: this.#body }, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#gone) this.#abandon('nobody reads the answer any more')
    else if (this.#ended !== null) controller.abort(problemFor(this.#ended))
  }

  onResponseStarted(): void {
    this.#heard = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    const { call, sink, filter } = this.#parts
    const { upstream } = call
    if (status < 200) return this.#onInterim(controller)
    call.onHeaders?.(headers)
    // A body that went out cannot go out again.
    const again = status === 401 ? (call.onUnauthorized?.(headers) ?? null) : null
    if (call.body === null) this.#retry = again
    // What it says of its refusal is of no use, and may never end.
    if (this.#retry !== null) return controller.abort(new Error('asked again with other credentials'))
    if (status > 599)
      return controller.abort(
        new Problem('upstream_unreachable', { detail: `"${upstream.name}" answered with an invalid status.` }),
      )
    if (isEventStream(joined(headers['content-type'] ?? '')) && !this.#becomeEvents(controller)) return
    const relayed = filter.headers(status, headers, upstream, call.path + call.search)
    sink.start(status, relayed.headers, relayed.policy)
    this.#started = true
    this.#isSized = headers['content-length'] !== undefined
    sink.onDrain(() => {
      this.#idle?.refresh()
      controller.resume()
    })
    // Most answers are complete within this turn, and need no timer. An event stream may be silent.
    if (!this.#isEvents) process.nextTick(Passage.#watch, this)
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
    const retry = this.#retry ?? (this.#mayTryAgain(error) ? this.#parts.call.again : null)
    if (retry === null || this.#gone) return this.#fail(error)
    retry().then(
      headers => this.#dispatch(headers),
      (problem: unknown) => this.#giveUp(problem),
    )
  }

  /**
   * 1xx other than 101 are for this hop; Node has answered 100 itself. Each gives the upstream its time for headers
   * anew.
   */
  #onInterim(controller: Dispatcher.DispatchController): void {
    if (++this.#interim > INTERIM_MAX) controller.abort(announcedTooOften(this.#parts.call.upstream.name))
  }

  /**
   * Once, where doing it twice is the same as once, and where the upstream has not begun to answer (RFC 9112 §9.3.1).
   */
  #mayTryAgain(error: Error): boolean {
    const { method, body } = this.#parts.call
    if (this.#triedAgain || this.#heard || body !== null || (method !== 'GET' && method !== 'HEAD') || !wasStale(error))
      return false
    this.#triedAgain = true
    return true
  }

  /** @returns false when there is no room for one more, which is then its answer */
  #becomeEvents(controller: Dispatcher.DispatchController): boolean {
    try {
      this.#parts.streams.stream(this, 'events')
    } catch (problem) {
      controller.abort(problem as Error)
      return false
    }
    this.#isEvents = true
    this.#forgetBeginning()
    return true
  }

  /** Any other answer is a stream by the time it takes, since its type says nothing of whether it ever ends. */
  #becomeLong(): void {
    const {
      call: { upstream },
      streams,
      sink,
    } = this.#parts
    try {
      streams.stream(this, 'response', { openMs: longAfterMs(upstream), lifeMs: longLifeMs(upstream, this.#isSized) })
      this.#forgetBeginning()
    } catch {
      sink.cut()
      this.#abandon('there is no room for a response that takes this long')
    }
  }

  /** A stream may stay for long, beside thousands of others: what only its beginning needed is let go. */
  #forgetBeginning(): void {
    const { call } = this.#parts
    if (this.#controller !== null) this.#controller.rawHeaders = null
    call.headers = []
    call.onUnauthorized = null
    call.again = null
  }

  end(reason: CloseReason): void {
    this.#ended = reason
    // Whoever has read nothing yet is told why.
    if (!this.#started) return this.#controller?.abort(problemFor(reason))
    // What was sent of an event stream is whole; any other answer must not be taken for whole.
    const { sink } = this.#parts
    if (this.#isEvents) {
      sink.end(NO_TRAILERS)
      // A client that reads no more must not keep its connection that way.
      setTimeout(() => sink.cut(), LAST_WORDS_MS).unref()
    } else sink.cut()
    this.#abandon('it may not go on')
  }

  #abandon(why: string): void {
    this.#gone = true
    this.#controller?.abort(new Error(why))
  }

  static #watch(passage: Passage): void {
    if (passage.#over) return
    const { upstream } = passage
    const silent = () => passage.#controller?.abort(new Error('the upstream fell silent'))
    passage.#idle = setTimeout(silent, upstream.timeouts.idleMs)
    passage.#long = setTimeout(() => passage.#becomeLong(), longAfterMs(upstream))
  }

  #release(): void {
    this.#over = true
    if (this.#idle !== null) clearTimeout(this.#idle)
    if (this.#long !== null) clearTimeout(this.#long)
    this.#parts.streams.leave(this)
    this.#body?.destroy()
  }

  #finish(): void {
    this.#release()
    this.#parts.resolve()
  }

  /** Nothing was passed on: whoever asked answers. */
  #giveUp(problem: unknown): void {
    this.#release()
    this.#parts.reject(problem)
  }

  #fail(error: Error): void {
    const { call, sink } = this.#parts
    if (!this.#started && !this.#gone) {
      return this.#giveUp(asUpstreamProblem(error, call.upstream.name))
    }
    if (!this.#gone) sink.cut()
    this.#finish()
  }
}

const NO_TRAILERS: [string, string][] = []
