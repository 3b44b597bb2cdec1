import { isLoopback } from './address.ts'
import type { Config } from './types.ts'
import type { Upstream } from './upstream-config.ts'

/**
 * Upstreams on another machine that are called without TLS, so that others on the network can read and change tokens
 * and data. Judged by the configured address without a DNS lookup: a name that only this machine resolves counts as
 * another machine.
 */
export function plainHttpElsewhere(upstreams: readonly Upstream[]): Upstream[] {
  return upstreams.filter(({ target }) => {
    const { protocol, hostname } = new URL(target.origin)
    return protocol === 'http:' && !isThisMachine(hostname)
  })
}

/** The APIs and, if configured, the front end. */
export function everyUpstream({ upstreams, site }: Pick<Config, 'upstreams' | 'site'>): Upstream[] {
  return site.kind === 'upstream' ? [...upstreams, site.upstream] : upstreams
}

/**
 * Includes the unspecified address, which routes to this machine, and IPv4-mapped IPv6 addresses (RFC 4291 §2.5.5.2).
 */
function isThisMachine(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (bare === '0.0.0.0' || bare === '::') return true
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(bare) ?? []
  if (high === '') return isLoopback(bare)
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return isLoopback([a >> 8, a & 255, b >> 8, b & 255].join('.'))
}
