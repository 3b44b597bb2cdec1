import { writeSync } from 'node:fs'

/** A write for each line would cost more than many an answer does: lines go out together, but none waits for long. */
const TOGETHER_MS = 200
/** In characters: nearly all of a log is ASCII, where they are bytes. */
const TOGETHER = 16 * 1024
const KEPT = 256 * 1024

/** Writes lines to a file descriptor, some at a time, the last ones at the process's exit. A full disk under the log may not
 * end what it logs about: lines are kept, up to a bound, until they can be written again; past it the newest are dropped. */
export function linesTo(fd: number): { write(line: string): void } {
  let kept = ''
  /** What of earlier lines could not be written yet. */
  let rest = Buffer.alloc(0)

  function flush(): void {
    if (kept === '' && rest.length === 0) return
    rest = Buffer.concat([rest, Buffer.from(kept)])
    kept = ''
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
    }
    catch {
      // A full disk, or a pipe whose reader is slow: the next flush tries again.
    }
  }

  setInterval(flush, TOGETHER_MS).unref()
  process.once('exit', flush)
  return {
    write(line) {
      if (rest.length + kept.length + line.length > KEPT) return
      // Joined as text: its bytes are made once for many lines.
      kept += line
      // While it cannot be written, only the timer tries.
      if (rest.length === 0 && kept.length >= TOGETHER) flush()
    },
  }
}
