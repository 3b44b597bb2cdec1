import type { Clock, UnixMs } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'

/** Lets another process ask this one to end, finishing what is in progress. */
export interface HandOver {
  /** @param end begins the graceful end of the process; not called in somebody else's program */
  allow(end: () => void): void
  /**
   * @param until after this, nobody waits to take the place any more
   * @throws OperatorError if it is too late, or the process is not ours to end
   */
  request(until: UnixMs): void
}

export function createHandOver(clock: Clock): HandOver {
  let begin: (() => void) | null = null
  return {
    allow(end) {
      begin = end
    },
    request(until) {
      // A process that was stopped finds old requests in its socket when it wakes up.
      if (clock.now().wall > until) throw new OperatorError('The request to end came too late.', ['Try again.'])
      if (begin === null)
        throw new OperatorError('The running server is part of another program.', [
          'Stop that program, then start again.',
        ])
      begin()
    },
  }
}
