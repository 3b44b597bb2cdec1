import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'
import { JWKS_PATH } from './serve-jwks.ts'
import { METADATA_PATHS } from './serve-metadata.ts'

/** The documents that upstreams verify our tokens by, which they may fetch by an internal name. */
const FOR_UPSTREAMS = new Set([JWKS_PATH, ...METADATA_PATHS])

/**
 * Serves the configured host only. Under another name, pages would set cookies there and contain links to it; accepting
 * any name would also enable DNS rebinding.
 */
export function requireHost(publicUrl: string) {
  const { host, hostname, protocol, port } = new URL(publicUrl)
  const withDefaultPort = port === '' ? `${hostname}:${protocol === 'https:' ? 443 : 80}` : host
  return (ctx: RequestContext): undefined => {
    // Probes and upstreams use an internal name or an address, and these responses do not depend on the caller.
    if (ctx.family === 'health' || ctx.parent) return
    if (ctx.family === 'well_known' && FOR_UPSTREAMS.has(ctx.path)) return
    const hosts = ctx.hosts()
    // RFC 9112 §3.2: exactly one, or the request is invalid.
    if (hosts.length !== 1) throw new Problem('bad_request', { detail: 'The request must name one host.' })
    const requested = hosts[0]?.toLowerCase()
    if (requested === host || requested === withDefaultPort) return
    throw new Problem('wrong_host', {
      detail: `You asked for "${truncated(requested)}"; this site is ${publicUrl}. To have it answer there instead, set PORCHLIGHT_PUBLIC_URL to that address.`,
    })
  }
}

function truncated(host: string | undefined): string {
  return host === undefined ? '' : host.slice(0, 100)
}
