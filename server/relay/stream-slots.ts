import { Problem } from '../base/problem.ts'
import { countedNetworks } from '../accounts/client-network.ts'

export interface StreamLimits {
  /** Streams of one session. */
  perSession: number
  /**
   * Streams of signed-in people from one network. Strangers there get a quarter of it, counted apart: they cannot take
   * people's.
   */
  perNetwork: number
}

/** A stream that is refused may be tried again soon: others end. */
const RETRY_SECONDS = 10

/** Of everybody behind a peer that is not trusted, as many as of so many networks. */
const CROWD = 4

/** Counts open streams by network, since each holds two sockets for as long as its client likes. */
export function createStreamSlots({ perNetwork }: Pick<StreamLimits, 'perNetwork'>) {
  const taken = new Map<string, number>()
  const strangers = Math.ceil(perNetwork / 4)
  const countOf = (key: string) => taken.get(key) ?? 0

  return {
    /**
     * @param address of the client
     * @returns gives the place back; to be called once
     * @throws Problem `too_many_streams`
     */
    take(address: string, isSignedIn: boolean): () => void {
      const { own, crowd } = countedNetworks(address)
      const most = isSignedIn ? perNetwork : strangers
      const kind = isSignedIn ? 'people' : 'strangers'
      const places = [
        { key: `${kind} ${own}`, most },
        ...(crowd === null ? [] : [{ key: `${kind} ${crowd}`, most: CROWD * most }]),
      ]
      if (places.some(place => countOf(place.key) >= place.most)) throw tooManyStreams()
      for (const { key } of places) taken.set(key, countOf(key) + 1)
      return () => {
        for (const { key } of places) {
          const left = countOf(key) - 1
          if (left <= 0) taken.delete(key)
          else taken.set(key, left)
        }
      }
    },
  }
}

export function tooManyStreams(): Problem {
  return new Problem('too_many_streams', { retryAfter: RETRY_SECONDS })
}
