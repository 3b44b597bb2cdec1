import type { Pool } from 'undici'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { relayConnector } from './connector.ts'
import { tlsOptions } from './dial.ts'

export type Pools = ReturnType<typeof createPools>

/** One connection pool per upstream. HTTP/1.1, since bytes are relayed as they are. */
export function createPools() {
  const pools = new Map<string, Pool>()
  return {
    of(upstream: Upstream): MaybePromise<Pool> {
      return pools.get(upstream.name) ?? make(upstream)
    },
    /** Aborts all calls in progress, when the process ends. */
    async close(): Promise<void> {
      await Promise.all([...pools.values()].map(pool => pool.destroy()))
      pools.clear()
    },
  }

  async function make(upstream: Upstream): Promise<Pool> {
    // Loaded by the first call, because undici takes more memory than everything else in an idle process.
    const undici = await import('undici')
    const pool =
      pools.get(upstream.name) ??
      new undici.Pool(upstream.target.origin, {
        connect: relayConnector(
          undici.buildConnector({ timeout: upstream.timeouts.connectMs, allowH2: false, ...tlsOptions(upstream) }),
        ),
        headersTimeout: upstream.timeouts.headersMs,
        // forward() measures a response's idle time, since an event stream may be silent for any time.
        bodyTimeout: 0,
        maxHeaderSize: upstream.maxHeaderBytes,
        allowH2: false,
        pipelining: 1,
      })
    pools.set(upstream.name, pool)
    return pool
  }
}
