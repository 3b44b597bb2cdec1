import type { Sink } from './types.ts'

/**
 * Builds a web Response, for a page that is rendering in this process.
 * @returns the sink, and the response once its headers are known
 */
export function webSink(signal: AbortSignal | null): {
  sink: Sink
  response: Promise<Response>
  fail: (error: unknown) => void
} {
  const { promise: response, resolve, reject } = Promise.withResolvers<Response>()
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  let resume: () => void = () => {}
  let stop: () => void = () => {}
  let hasBody = true
  const body = new ReadableStream<Uint8Array>({
    start: streamController => {
      controller = streamController
    },
    pull: () => resume(),
    cancel: () => stop(),
  })
  const sink: Sink = {
    start(status, headers) {
      const entries: [string, string][] = []
      for (let i = 0; i + 1 < headers.length; i += 2) entries.push([headers[i] ?? '', headers[i + 1] ?? ''])
      hasBody = status !== 204 && status !== 205 && status !== 304
      resolve(new Response(hasBody ? body : null, { status, headers: entries }))
    },
    write(chunk) {
      // The body is never read, so applying backpressure would block the upstream forever.
      if (!hasBody) return true
      controller?.enqueue(chunk)
      return (controller?.desiredSize ?? 1) > 0
    },
    onDrain(callback) {
      resume = callback
    },
    end: () => controller?.close(),
    cut: () => controller?.error(new Error('the upstream broke off')),
    onGone(callback) {
      stop = callback
      if (signal?.aborted) return callback()
      signal?.addEventListener('abort', callback, { once: true })
    },
  }
  return { sink, response, fail: reject }
}
