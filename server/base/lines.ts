import { writeSync } from 'node:fs'

/** A write for each line would cost more than many an answer does: lines go out together, but none waits for long. */
const TOGETHER_BYTES = 16 * 1024
const TOGETHER_MS = 200
const KEPT_BYTES = 256 * 1024

/** Writes lines to a file descriptor, some at a time, the last ones at the process's exit. A full disk under the log may not
 * end what it logs about: lines are kept, up to a bound, until they can be written again; past it the newest are dropped. */
export function linesTo(fd: number): { write(line: string): void } {
  let kept: Buffer[] = []
  let bytes = 0

  function flush(): void {
    if (bytes === 0) return
    let rest = Buffer.concat(kept)
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
    }
    catch {
      // A full disk, or a pipe whose reader is slow: the next flush tries again.
    }
    kept = rest.length === 0 ? [] : [rest]
    bytes = rest.length
  }

  setInterval(flush, TOGETHER_MS).unref()
  process.once('exit', flush)
  return {
    write(line) {
      const chunk = Buffer.from(line)
      if (bytes + chunk.length > KEPT_BYTES) return
      kept.push(chunk)
      bytes += chunk.length
      // While it cannot be written, only the timer tries.
      if (bytes >= TOGETHER_BYTES && bytes - chunk.length < TOGETHER_BYTES) flush()
    },
  }
}
