import { writeSync } from 'node:fs'

/** A write for each line would cost more than many an answer does: lines go out together, but none waits for long. */
const TOGETHER_MS = 200
const TOGETHER_BYTES = 16 * 1024
const KEPT_BYTES = 256 * 1024
/** What one UTF-16 unit takes at most in UTF-8. */
const UNIT_BYTES = 3

/**
 * Writes lines to a file descriptor, some at a time, the last ones at the process's exit. A full disk under the log may
 * not end what it logs about: lines are kept, up to a bound, until they can be written again; past it the newest are
 * dropped.
 */
export function linesTo(fd: number): { write(line: string): void } {
  const kept = Buffer.allocUnsafeSlow(KEPT_BYTES)
  let bytes = 0
  /** The last write failed: only the timer tries again. */
  let stuck = false

  function flush(): void {
    let written = 0
    try {
      while (written < bytes) written += writeSync(fd, kept, written, bytes - written)
      stuck = false
    } catch {
      // A full disk, or a pipe whose reader is slow.
      stuck = true
    }
    kept.copyWithin(0, written, bytes)
    bytes -= written
  }

  setInterval(flush, TOGETHER_MS).unref()
  process.once('exit', flush)
  return {
    write(line) {
      if (bytes + line.length * UNIT_BYTES > KEPT_BYTES) return
      // Made bytes at once, while the text is still in the processor's cache.
      bytes += kept.write(line, bytes)
      if (!stuck && bytes >= TOGETHER_BYTES) flush()
    },
  }
}
