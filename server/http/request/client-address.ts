import { isIP } from 'node:net'
import type { Log } from '../../base/log.ts'
import { unconfirmed } from '../../base/peer.ts'
import { type IsTrusted, trustedProxies, UNIX_PEER } from '../../config/trusted-proxies.ts'
import type { RequestContext } from './request-context.ts'

/**
 * The client's network address. X-Forwarded-For is read from its end as far as trusted proxies wrote it; what a client
 * put before that is never trusted (ASVS 4.1.3). A peer in a private network that sends the header without being
 * trusted is probably a proxy missing in the configuration. Its claim is not trusted either, but keeps its clients
 * apart, so that one who guesses passwords does not lock out the others.
 * @returns an address, `unknown` if a proxy wrote something else or there is only a unix socket's, or the result of `unconfirmed`
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | undefined,
  isTrusted: IsTrusted,
): string {
  let address = plainAddress(remote ?? '')
  if (forwardedFor === undefined) return address === '' || address === UNIX_PEER ? 'unknown' : address
  if (!isTrusted(address))
    return isNear(address)
      ? unconfirmed(address, plainAddress(forwardedFor.split(',').at(-1)?.trim() ?? ''))
      : address || 'unknown'
  const hops = forwardedFor.split(',')
  for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) {
    const next = plainAddress(hop.trim())
    if (isIP(next) === 0) return 'unknown'
    address = next
  }
  return address
}

/** Where proxies typically are: private, shared (RFC 6598), link-local and loopback addresses. */
const isNear = trustedProxies([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '::1',
  'fc00::/7',
  'fe80::/10',
])

/** Strips what proxies add: brackets around IPv6, ports, and the prefix of IPv4-mapped IPv6. */
export function plainAddress(address: string): string {
  let bare = address
  if (bare.startsWith('[')) bare = bare.slice(1, bare.indexOf(']'))
  else if (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare)) bare = bare.slice(0, bare.indexOf(':'))
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare
}

/**
 * Derives the client address of a request. Logs once if a nearby peer seems to be a proxy that is not trusted; a remote
 * peer that forges the header does not use up that one warning.
 */
export function networkOf(isTrusted: IsTrusted, log: Pick<Log, 'warn'>) {
  let warned = false

  return ({ remoteAddress, headers }: RequestContext): string => {
    const forwarded = headers['x-forwarded-for']
    const peer = plainAddress(remoteAddress ?? '')
    if (!warned && forwarded !== undefined && !isTrusted(peer) && isNear(peer)) {
      warned = true
      log.warn(
        { event: 'proxy_not_trusted', peer },
        'requests come through an untrusted proxy, so client addresses are unknown: add it to PORCHLIGHT_TRUSTED_PROXIES',
      )
    }
    return clientAddress(remoteAddress, Array.isArray(forwarded) ? forwarded.join(',') : forwarded, isTrusted)
  }
}
