import type { ServerResponse } from 'node:http'
import type { Sink } from './types.ts'

/** An answer straight onto Node's response: the hot path.
 * @param policy called with the page policy before the headers leave */
export function nodeSink(outgoing: ServerResponse, policy: (value: string | null) => void): Sink {
  let resume: () => void = () => {}
  let waiting = false
  let full = false
  const onDrain = () => {
    full = false
    resume()
  }
  const flush = () => {
    if (waiting && !outgoing.destroyed) outgoing.flushHeaders()
  }
  return {
    start(status, headers, value) {
      policy(value)
      outgoing.writeHead(status, headers)
      // An event stream's headers must not wait for its first event, and what was decided about cookies leaves now: at the
      // end of this turn, so that a body that came in the same packet leaves in the same packet.
      waiting = true
      process.nextTick(flush)
    },
    write(chunk) {
      waiting = false
      if (outgoing.write(chunk)) return true
      if (!full) outgoing.once('drain', onDrain)
      full = true
      return false
    },
    onDrain(callback) {
      resume = callback
    },
    end(trailers) {
      waiting = false
      if (trailers.length > 0 && outgoing.chunkedEncoding) outgoing.addTrailers(pairs(trailers))
      outgoing.end()
    },
    cut: () => outgoing.destroy(),
    onGone(stop) {
      // It may have left before anybody listened.
      if (outgoing.destroyed) return stop()
      outgoing.on('close', () => {
        if (!outgoing.writableFinished) stop()
      })
    },
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i] ?? '', flat[i + 1] ?? ''])
  return out
}
