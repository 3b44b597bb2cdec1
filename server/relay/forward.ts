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
import { type CloseReason, problemFor, type InFlight } from './in-flight.ts'

/** Produces headers for another attempt. */
export type Retry = () => Promise<string[]>

/** One call to an upstream, with its final headers. */
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
   * Called when an upstream refused the token and nothing has been passed on.
   * @returns null to pass the 401 on
   */
  onUnauthorized: ((headers: UpstreamHeaders) => Retry | null) | null
  /** Produces new headers for a retry after a stale connection; null once the call has been answered. */
  retryStale: Retry | null
  /** Observes a response's headers; null if not needed. */
  onHeaders: ((headers: UpstreamHeaders) => void) | null
}

/** How long a client may take to read what was sent of an ended stream. */
const LAST_WORDS_MS = 5 * SECOND

/**
 * Streams one request to an upstream and its response back, without buffering: backpressure and ends are propagated
 * both ways.
 * @returns when the response is complete or was cut off
 * @throws Problem `upstream_unreachable`, `upstream_tls_failed`, `upstream_timeout`, `body_too_large`, `too_many_streams`,
 * or the reason it was ended, provided nothing was passed on
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
 * One call in progress, called by undici as the response arrives. A class, because creating a closure for each method
 * would cost every call.
 */
class Passage implements Dispatcher.DispatchHandler, InFlight {
  readonly #parts: Parts
  #controller: Dispatcher.DispatchController | null = null
  #body: Readable | null = null
  #retry: Retry | null = null
  /** Some byte of a response has arrived. */
  #heard = false
  #triedAgain = false
  #interim = 0
  /** Something has reached the sink: from now on, a failure can only cut the response off. */
  #started = false
  /** The client no longer waits for the response. */
  #gone = false
  #over = false
  #idle: NodeJS.Timeout | null = null
  #long: NodeJS.Timeout | null = null
  #isEvents = false
  /** The upstream announced the length of the body. */
  #isSized = false
  /** The reason it was ended, once it was. */
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
    // A consumed body cannot be sent again.
    const retry = status === 401 ? (call.onUnauthorized?.(headers) ?? null) : null
    if (call.body === null) this.#retry = retry
    // The body of the refusal is of no use, and may never end.
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
    // Most responses complete within this turn and need no timer. An event stream may be silent.
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
    const retry = this.#retry ?? (this.#mayTryAgain(error) ? this.#parts.call.retryStale : null)
    if (retry === null || this.#gone) return this.#fail(error)
    retry().then(
      headers => this.#dispatch(headers),
      (problem: unknown) => this.#giveUp(problem),
    )
  }

  /**
   * 1xx other than 101 concern this hop only, and Node has already answered 100. Each restarts the upstream's header
   * timeout.
   */
  #onInterim(controller: Dispatcher.DispatchController): void {
    if (++this.#interim > INTERIM_MAX) controller.abort(announcedTooOften(this.#parts.call.upstream.name))
  }

  /**
   * Once, only for idempotent methods without a body, and only if the upstream has not begun to answer (RFC 9112
   * §9.3.1).
   */
  #mayTryAgain(error: Error): boolean {
    const { method, body } = this.#parts.call
    if (this.#triedAgain || this.#heard || body !== null || (method !== 'GET' && method !== 'HEAD') || !wasStale(error))
      return false
    this.#triedAgain = true
    return true
  }

  /** @returns false if the stream limit is reached, which is then the response */
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

  /** Any other response becomes a stream once it takes long, because its type does not tell whether it ever ends. */
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

  /** Streams may stay open for long, in the thousands: releases what was only needed at the beginning. */
  #forgetBeginning(): void {
    const { call } = this.#parts
    if (this.#controller !== null) this.#controller.rawHeaders = null
    call.headers = []
    call.onUnauthorized = null
    call.retryStale = null
  }

  end(reason: CloseReason): void {
    this.#ended = reason
    // As long as nothing was passed on, the client receives the reason.
    if (!this.#started) return this.#controller?.abort(problemFor(reason))
    // The events sent so far are complete; any other response must not be mistaken for complete.
    const { sink } = this.#parts
    if (this.#isEvents) {
      sink.end(NO_TRAILERS)
      // A client that stops reading must not hold its connection open.
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

  /** Nothing was passed on, so the caller writes the response. */
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
