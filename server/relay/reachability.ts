import { connect } from 'node:net'
import { type Clock, SECOND, type SteadyMs } from '../base/clock.ts'
import type { Upstream } from '../config/upstream-config.ts'

/** How long a result is cached, so that opening a page many times does not become a port scan. */
const CACHE_MS = 10 * SECOND
const TIMEOUT_MS = SECOND

/**
 * Whether an upstream accepts connections, which does not tell whether it works.
 * @returns never rejects
 */
export function createReachability(clock: Clock): (upstream: Upstream) => Promise<boolean> {
  const known = new Map<string, { at: SteadyMs; reachable: Promise<boolean> }>()
  return upstream => {
    const { steady } = clock.now()
    const last = known.get(upstream.name)
    if (last !== undefined && steady - last.at < CACHE_MS) return last.reachable
    const reachable = takesConnections(new URL(upstream.target.origin))
    known.set(upstream.name, { at: steady, reachable })
    return reachable
  }
}

function takesConnections({ protocol, hostname, port }: URL): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      timeout: TIMEOUT_MS,
    })
    const answer = (reachable: boolean) => {
      socket.destroy()
      resolve(reachable)
    }
    socket.once('connect', () => answer(true))
    socket.once('timeout', () => answer(false))
    socket.once('error', () => answer(false))
  })
}
