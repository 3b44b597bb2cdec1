import type { Pool } from 'undici'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { relayConnector } from './connector.ts'

export type Pools = ReturnType<typeof createPools>

/** One pool of connections for each upstream. HTTP/1.1: what is relayed is bytes, not streams of another protocol. */
export function createPools() {
  const pools = new Map<string, Pool>()
  return {
    of(upstream: Upstream): MaybePromise<Pool> {
      return pools.get(upstream.name) ?? make(upstream)
    },
    /** Cuts what is under way: for the end of the process. */
    async close(): Promise<void> {
      await Promise.all([...pools.values()].map(pool => pool.destroy()))
      pools.clear()
    },
  }

  async function make(upstream: Upstream): Promise<Pool> {
    // Loaded by the first call: it takes more memory than all that is idle before.
    const undici = await import('undici')
    const pool =
      pools.get(upstream.name) ??
      new undici.Pool(upstream.target.origin, {
        connect: relayConnector(undici.buildConnector({ timeout: upstream.timeouts.connectMs, allowH2: false })),
        headersTimeout: upstream.timeouts.headersMs,
        // The idle time of an answer is counted by forward(): an event stream may be silent for as long as it likes.
        bodyTimeout: 0,
        maxHeaderSize: upstream.maxHeaderBytes,
        allowH2: false,
        pipelining: 1,
      })
    pools.set(upstream.name, pool)
    return pool
  }
}
