import { writeSync } from 'node:fs'

/** One write per line would cost more than many responses do, so lines are batched, but only briefly. */
const FLUSH_MS = 200
const FLUSH_BYTES = 16 * 1024
const BUFFER_BYTES = 256 * 1024
/** The most bytes that one UTF-16 code unit takes in UTF-8. */
const UNIT_BYTES = 3

/**
 * Writes lines to a file descriptor in batches, the last of them when the process exits. A full disk must not stop the
 * server, so lines are buffered up to a bound until they can be written again; beyond it, new lines are dropped.
 */
export function linesTo(fd: number): { write(line: string): void } {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let bytes = 0
  /** The last write failed: only the timer retries. */
  let stuck = false

  function flush(): void {
    let written = 0
    try {
      while (written < bytes) written += writeSync(fd, buffer, written, bytes - written)
      stuck = false
    } catch {
      // A full disk, or a pipe whose reader is slow.
      stuck = true
    }
    buffer.copyWithin(0, written, bytes)
    bytes -= written
  }

  setInterval(flush, FLUSH_MS).unref()
  process.once('exit', flush)
  return {
    write(line) {
      if (bytes + line.length * UNIT_BYTES > BUFFER_BYTES) return
      // Encoded at once, while the text is still in the CPU cache.
      bytes += buffer.write(line, bytes)
      if (!stuck && bytes >= FLUSH_BYTES) flush()
    },
  }
}
