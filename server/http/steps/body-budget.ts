import { countedNetworks } from '../../accounts/client-network.ts'
import { Problem } from '../../base/problem.ts'

const MEGABYTE = 1024 * 1024
/** All bodies that are in memory at once. */
const TOTAL_BYTES = 64 * MEGABYTE
/** A network's part of it, so that one client cannot use up what all need. */
const NETWORK_BYTES = 16 * MEGABYTE
/** A body is held for the time of its request. */
const RETRY_SECONDS = 2

export interface HeldBody {
  /** @throws Problem `busy` if there is no room for this many bytes more */
  grow(bytes: number): void
  /** Frees the room of all of it; what still arrives is not kept. May be called repeatedly. */
  release(): void
}

export interface BodyBudget {
  /** @param address of the client */
  hold(address: string): HeldBody
}

/** Bounds the memory that bodies take together: they are read before it is known who sends them. */
export function createBodyBudget({ total = TOTAL_BYTES, perNetwork = NETWORK_BYTES } = {}): BodyBudget {
  const held = new Map<string, number>()
  let all = 0

  function add(network: string, bytes: number): void {
    const now = (held.get(network) ?? 0) + bytes
    if (now > 0) held.set(network, now)
    else held.delete(network)
  }

  return {
    hold(address) {
      const { own, crowd } = countedNetworks(address)
      const networks = crowd === null ? [own] : [own, crowd]
      let mine = 0
      let isReleased = false
      return {
        grow(bytes) {
          if (isReleased) return
          if (all + bytes > total || networks.some(network => (held.get(network) ?? 0) + bytes > perNetwork))
            throw new Problem('busy', { retryAfter: RETRY_SECONDS })
          mine += bytes
          all += bytes
          for (const network of networks) add(network, bytes)
        },
        release() {
          all -= mine
          for (const network of networks) add(network, -mine)
          mine = 0
          isReleased = true
        },
      }
    },
  }
}
