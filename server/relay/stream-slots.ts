import { Problem } from '../base/problem.ts'
import { networkOf } from '../people/network.ts'

export interface StreamLimits {
  /** Streams of one session. */
  perSession: number
  /** Streams of signed-in people from one network. Strangers there get a quarter of it, counted apart: they cannot take people's. */
  perNetwork: number
}

/** A stream that is refused may be tried again soon: others end. */
const RETRY_SECONDS = 10

/** Counts open streams by network, since each holds two sockets for as long as its client likes. */
export function createStreamSlots({ perNetwork }: Pick<StreamLimits, 'perNetwork'>) {
  const taken = new Map<string, number>()
  const strangers = Math.ceil(perNetwork / 4)

  return {
    /** @param address of the client @returns gives the place back; to be called once
     * @throws Problem `too_many_streams` */
    take(address: string, isSignedIn: boolean): () => void {
      const key = `${isSignedIn ? 'people' : 'strangers'} ${networkOf(address)}`
      const count = taken.get(key) ?? 0
      if (count >= (isSignedIn ? perNetwork : strangers)) throw tooManyStreams()
      taken.set(key, count + 1)
      return () => {
        const left = (taken.get(key) ?? 1) - 1
        if (left === 0) taken.delete(key)
        else taken.set(key, left)
      }
    },
  }
}

export function tooManyStreams(): Problem {
  return new Problem('too_many_streams', { retryAfter: RETRY_SECONDS })
}
