import type { ServerResponse } from 'node:http'
import { LARGE_BYTES, release } from './chunks.ts'
import type { Sink } from './types.ts'

/**
 * A body up to this size that arrives with its headers is sent together with them, as a string: Node writes that much
 * faster than headers followed by a buffer.
 */
const ONE_PIECE_MAX_BYTES = LARGE_BYTES

/**
 * Writes a response directly to Node's: the hot path.
 * @param policy called with the page policy before the headers are sent
 */
export function nodeSink(outgoing: ServerResponse, policy: (value: string | null) => void): Sink {
  let resume: () => void = () => {}
  let onClose: () => void = () => {}
  /** Until the end of the turn in which the headers arrived: most responses are complete by then. */
  let waiting = false
  let pending: Buffer | null = null
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
    if (pending !== null) send(pending)
    else if (!outgoing.destroyed) outgoing.flushHeaders()
    pending = null
  }
  return {
    start(status, headers, value) {
      policy(value)
      outgoing.writeHead(status, headers)
      // writeHead rejected a header and has sent an error response instead, so the rest of this one is not needed.
      if (outgoing.writableEnded) return onClose()
      // An event stream's headers must not wait for its first event, and new cookies should leave now. Deferred to the
      // end of this turn, so that a body received in the same packet is sent in the same packet.
      waiting = true
      process.nextTick(flush)
    },
    write(chunk) {
      if (waiting && pending === null && chunk.length <= ONE_PIECE_MAX_BYTES) {
        pending = chunk
        return true
      }
      if (pending !== null) flush()
      // The headers are sent with it.
      waiting = false
      return send(chunk)
    },
    onDrain(callback) {
      resume = callback
    },
    end(trailers) {
      const whole = pending
      pending = null
      waiting = false
      if (outgoing.chunkedEncoding) outgoing.addTrailers(trailers)
      if (whole === null) outgoing.end()
      else outgoing.end(whole.toString('latin1'), 'latin1')
    },
    cut: () => outgoing.destroy(),
    onGone(stop) {
      onClose = stop
      // The client may have disconnected before this listener was added.
      if (outgoing.destroyed) return stop()
      outgoing.on('close', () => {
        if (!outgoing.writableFinished) stop()
      })
    },
  }
}

/**
 * Passes a large chunk to the kernel at once. Node would hold it back until the end of the turn, and because one such
 * chunk fills Node's buffer, the upstream would be paused and resumed for every chunk, however fast the client reads.
 * @returns false if some of it, or of earlier data, is still queued
 */
function writeNow(outgoing: ServerResponse, chunk: Buffer): boolean {
  const { socket } = outgoing
  socket?.cork()
  const hasRoom = outgoing.write(chunk)
  socket?.uncork()
  if (outgoing.writableLength > 0 || socket === null) return hasRoom
  // Deferred until the code that provided the chunk has finished reading it.
  process.nextTick(release, chunk)
  return true
}
