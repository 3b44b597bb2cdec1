import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { chain, type MaybePromise } from '../base/chain.ts'
import type { Upstream } from '../config/upstream.ts'
import { Problem } from '../base/problem.ts'
import { outgoingBody } from './body.ts'
import { asUpstreamProblem } from './failures.ts'
import { responseHeaders } from './response-headers.ts'
import type { Sink } from './types.ts'

/** One call of an upstream, with every header decided. */
export interface Call {
  upstream: Upstream
  method: string
  path: string
  search: string
  headers: string[]
  body: Readable | null
  /** An upstream refused its token, and nothing was passed on yet. @returns what makes headers for another try, or null to pass the 401 on */
  onUnauthorized: ((rawHeaders: readonly string[]) => (() => Promise<string[]>) | null) | null
  /** Looks at an answer's headers; null: nobody wants to. */
  onHeaders: ((rawHeaders: readonly string[]) => void) | null
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
export function forward(pools: Pools, call: Call, sink: Sink, isOwnCookie: (name: string) => boolean): MaybePromise<void> {
  return chain(pools.of(call.upstream), pool => through(pool, call, sink, isOwnCookie))
}

function through(pool: Pool, call: Call, sink: Sink, isOwnCookie: (name: string) => boolean): Promise<void> {
  const { upstream } = call
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let started = false
    let gone = false
    let over = false
    let idle: NodeJS.Timeout | null = null
    let left: () => void = () => {}
    let sent: Readable | null = null

    const release = () => {
      over = true
      if (idle !== null) clearTimeout(idle)
      left()
      sent?.destroy()
    }
    const finish = () => {
      release()
      resolve()
    }
    const fail = (error: Error) => {
      release()
      if (gone) return resolve()
      if (!started) return reject(asUpstreamProblem(error, upstream.name))
      sink.cut()
      resolve()
    }
    sink.onGone(() => {
      gone = true
      controller?.abort(new Error('nobody reads the answer any more'))
    })

    const watch = (given: Dispatcher.DispatchController) => {
      if (!over) idle = setTimeout(() => given.abort(new Error('the upstream fell silent')), upstream.timeouts.idleMs)
    }

    const endStream = (given: Dispatcher.DispatchController) => {
      sink.end([])
      gone = true
      given.abort(new Error('the session of the stream is over'))
    }

    const dispatch = (headers: string[]) => {
      let retry: (() => Promise<string[]>) | null = null
      const body = call.body === null ? null : outgoingBody(call.body, { maxBytes: upstream.maxBodyBytes, idleMs: upstream.timeouts.idleMs })
      sent = body
      pool.dispatch({ method: call.method, path: call.path + call.search, headers, body }, {
        onRequestStart(given) {
          controller = given
          if (gone) given.abort(new Error('nobody reads the answer any more'))
        },
        onResponseStart(given, status) {
          // 1xx other than 101 are for this hop; Node has answered 100 itself.
          if (status < 200) return
          const raw = asPairs(given.rawHeaders)
          call.onHeaders?.(raw)
          // A body that went out cannot go out again.
          if (status === 401 && call.body === null) retry = call.onUnauthorized?.(raw) ?? null
          // What it says of its refusal is of no use, and may never end.
          if (retry !== null) return given.abort(new Error('asked again with other credentials'))
          if (status > 599) return given.abort(new Problem('upstream_unreachable', { detail: `"${upstream.name}" answered with a status that is none.` }))
          const relayed = responseHeaders(raw, upstream, call.path, isOwnCookie)
          sink.start(status, relayed.headers, relayed.policy)
          started = true
          sink.onDrain(() => {
            idle?.refresh()
            given.resume()
          })
          if (isEventStream(raw)) left = call.onStream?.(() => endStream(given)) ?? left
          // Most answers are complete within this turn, and need no timer.
          else process.nextTick(watch, given)
        },
        onResponseData(given, chunk) {
          idle?.refresh()
          if (!sink.write(chunk)) given.pause()
        },
        onResponseEnd(given) {
          sink.end(asPairs(given.rawTrailers))
          finish()
        },
        onResponseError(_given, error) {
          if (retry !== null && !gone) retry().then(dispatch, reject)
          else fail(error)
        },
      })
    }
    dispatch(call.headers)
  })
}

function isEventStream(raw: readonly string[]): boolean {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length === 12 && raw[i]?.toLowerCase() === 'content-type') return raw[i + 1]?.toLowerCase().startsWith('text/event-stream') ?? false
  }
  return false
}

/** undici gives raw headers as buffers; header bytes are Latin-1 (RFC 9110 §5.5). */
export function asPairs(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map(part => typeof part === 'string' ? part : part.toString('latin1'))
}
