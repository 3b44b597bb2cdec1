import { Problem } from '../base/problem.ts'
import { countedNetworks } from '../accounts/client-network.ts'

export interface StreamLimits {
  /** Maximum streams per session. */
  perSession: number
  /**
   * Maximum streams of signed-in users per network. Anonymous clients get a quarter of it, counted separately, so that
   * they cannot use up the others' share.
   */
  perNetwork: number
}

/** A refused stream may be retried soon, since others end. */
const RETRY_SECONDS = 10

/** All clients behind a peer that is not trusted share the limit of this many networks. */
const CROWD_FACTOR = 4

/** Limits open streams per network, since each takes two sockets for as long as the client likes. */
export function createStreamSlots({ perNetwork }: Pick<StreamLimits, 'perNetwork'>) {
  const counts = new Map<string, number>()
  const anonymousMax = Math.ceil(perNetwork / 4)
  const countOf = (key: string) => counts.get(key) ?? 0

  return {
    /**
     * @param address of the client
     * @returns a function that frees the slot, to be called once
     * @throws Problem `too_many_streams`
     */
    take(address: string, isSignedIn: boolean): () => void {
      const { own, crowd } = countedNetworks(address)
      const max = isSignedIn ? perNetwork : anonymousMax
      const kind = isSignedIn ? 'people' : 'strangers'
      const slots = [
        { key: `${kind} ${own}`, max },
        ...(crowd === null ? [] : [{ key: `${kind} ${crowd}`, max: CROWD_FACTOR * max }]),
      ]
      if (slots.some(slot => countOf(slot.key) >= slot.max)) throw tooManyStreams()
      for (const { key } of slots) counts.set(key, countOf(key) + 1)
      return () => {
        for (const { key } of slots) {
          const left = countOf(key) - 1
          if (left <= 0) counts.delete(key)
          else counts.set(key, left)
        }
      }
    },
  }
}

export function tooManyStreams(): Problem {
  return new Problem('too_many_streams', { retryAfter: RETRY_SECONDS })
}
