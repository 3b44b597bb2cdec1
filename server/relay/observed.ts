import type { ObservedCall } from '../base/call-observer.ts'
import { Problem } from '../base/problem.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Sink } from './types.ts'

/** Reports what a call does between its beginning and its end. */
export function observedPass(
  call: ObservedCall,
  sink: Sink,
  pass: (sink: Sink) => MaybePromise<void>,
): MaybePromise<void> {
  let isAnswered = false
  let isCut = false
  const observed: Sink = {
    ...sink,
    start(status, headers, policy) {
      isAnswered = true
      call.answered(status)
      sink.start(status, headers, policy)
    },
    cut() {
      isCut = true
      sink.cut()
    },
  }
  return reportEnd(
    call,
    () => pass(observed),
    () => (isCut ? 'cut' : isAnswered ? null : 'aborted'),
  )
}

/** @param failureNow what went wrong although nothing was thrown */
export function reportEnd(
  call: ObservedCall,
  work: () => MaybePromise<void>,
  failureNow: () => string | null,
): MaybePromise<void> {
  const failed = (error: unknown): never => {
    call.ended(error instanceof Problem ? error.code : 'internal')
    throw error
  }
  try {
    const done = work()
    if (done instanceof Promise) return done.then(() => call.ended(failureNow()), failed)
    call.ended(failureNow())
  } catch (error) {
    failed(error)
  }
}
