import type { ServerResponse } from 'node:http'
import { LARGE_BYTES, release } from './chunks.ts'
import type { Sink } from './types.ts'

/**
 * A body up to this size that came with its headers leaves with them in one piece, as text: Node writes a string much
 * faster than a header and a buffer behind it.
 */
const ONE_PIECE_MAX_BYTES = LARGE_BYTES

/**
 * An answer straight onto Node's response: the hot path.
 * @param policy called with the page policy before the headers leave
 */
export function nodeSink(outgoing: ServerResponse, policy: (value: string | null) => void): Sink {
  let resume: () => void = () => {}
  let gone: () => void = () => {}
  /** Until the end of the turn in which the headers came: most answers are whole by then. */
  let waiting = false
  let held: Buffer | null = null
  let full = false
  const onDrain = () => {
    full = false
    resume()
  }
  const send = (chunk: Buffer) => {
    if (chunk.length <= ONE_PIECE_MAX_BYTES ? outgoing.write(chunk) : writeNow(outgoing, chunk)) return true
    if (!full) outgoing.once('drain', onDrain)
    full = true
    return false
  }
  const flush = () => {
    if (!waiting) return
    waiting = false
    if (held !== null) send(held)
    else if (!outgoing.destroyed) outgoing.flushHeaders()
    held = null
  }
  return {
    start(status, headers, value) {
      policy(value)
      outgoing.writeHead(status, headers)
      // The writer found what cannot be sent and has answered in its own words: nobody waits for the rest.
      if (outgoing.writableEnded) return gone()
      // An event stream's headers must not wait for its first event, and what was decided about cookies leaves now: at
      // the end of this turn, so that a body that came in the same packet leaves in the same packet.
      waiting = true
      process.nextTick(flush)
    },
    write(chunk) {
      if (waiting && held === null && chunk.length <= ONE_PIECE_MAX_BYTES) {
        held = chunk
        return true
      }
      if (held !== null) flush()
      // The headers leave with it.
      waiting = false
      return send(chunk)
    },
    onDrain(callback) {
      resume = callback
    },
    end(trailers) {
      const whole = held
      held = null
      waiting = false
      if (outgoing.chunkedEncoding) outgoing.addTrailers(trailers)
      if (whole === null) outgoing.end()
      else outgoing.end(whole.toString('latin1'), 'latin1')
    },
    cut: () => outgoing.destroy(),
    onGone(stop) {
      gone = stop
      // It may have left before anybody listened.
      if (outgoing.destroyed) return stop()
      outgoing.on('close', () => {
        if (!outgoing.writableFinished) stop()
      })
    },
  }
}

/**
 * Hands a large chunk to the kernel at once. Node would hold it back until the end of the turn, and since it alone
 * fills Node's buffer, the upstream would be paused and resumed for every chunk, however fast its reader is.
 * @returns false when some of it, or of what came before, has to wait
 */
function writeNow(outgoing: ServerResponse, chunk: Buffer): boolean {
  const { socket } = outgoing
  socket?.cork()
  const hasRoom = outgoing.write(chunk)
  socket?.uncork()
  if (outgoing.writableLength > 0 || socket === null) return hasRoom
  // Not before whoever gave it has returned from reading it.
  process.nextTick(release, chunk)
  return true
}
