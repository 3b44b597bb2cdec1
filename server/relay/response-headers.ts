import type { Upstream } from '../config/upstream.ts'
import { connectionNames } from './request-headers.ts'

/** Hop-by-hop, or with power over more than this one answer. */
const REMOVED = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info', 'te',
  'transfer-encoding', 'upgrade', 'strict-transport-security', 'clear-site-data', 'service-worker-allowed', 'refresh', 'alt-svc', 'nel',
  'report-to', 'reporting-endpoints', 'x-sendfile', 'x-lighttpd-send-file', 'public-key-pins', 'origin-agent-cluster', 'origin-trial',
  'content-security-policy-report-only', 'speculation-rules', 'secure-session-registration', 'secure-session-challenge', 'dpop-nonce',
])
const REMOVED_PREFIXES = ['access-control-', 'x-accel-']

/** What is known of a header by its name alone. */
interface Kind { name: string, removed: boolean }

const kinds = new Map<string, Kind>()
/** Names come from upstreams: what is remembered of them is bounded. */
const REMEMBERED_MAX = 500

function kindOf(received: string): Kind {
  const known = kinds.get(received)
  if (known !== undefined) return known
  const name = received.toLowerCase()
  const kind = { name, removed: REMOVED.has(name) || REMOVED_PREFIXES.some(prefix => name.startsWith(prefix)) }
  if (kinds.size < REMEMBERED_MAX) kinds.set(received, kind)
  return kind
}

/** An upstream's HTML must not run with our users' power: it is shown in a box without scripts, forms or an origin. */
const SANDBOX_POLICY = 'default-src \'none\'; sandbox; frame-ancestors \'none\''

/** For a page that says nothing itself. */
export const DOCUMENT_POLICY = 'frame-ancestors \'none\''

export interface RelayedHeaders { headers: string[], policy: string | null }

/** What the browser gets of an upstream's headers.
 * @param rawHeaders name, value, … as received @param path what was asked of the upstream @returns headers in the same form, and the page policy to send */
export function responseHeaders(rawHeaders: readonly string[], upstream: Upstream, path: string, isOwnCookie: (name: string) => boolean): RelayedHeaders {
  const listed = connectionNames(rawHeaders)
  const headers: string[] = []
  let policy: string | null = null
  let cacheControl: string | null = null
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const { name, removed } = kindOf(rawHeaders[i] ?? '')
    const value = rawHeaders[i + 1] ?? ''
    if (removed || listed?.has(name)) continue
    switch (name) {
      case 'content-security-policy':
        policy = policy === null ? value : `${policy}, ${value}`
        break
      case 'set-cookie':
        if (upstream.cookies && !isOwnCookie(value.slice(0, value.indexOf('=')).trim())) headers.push(name, value)
        break
      case 'location':
      case 'content-location': {
        const mapped = mapLocation(value, upstream, path)
        if (mapped !== null) headers.push(name, mapped)
        break
      }
      case 'cache-control':
        cacheControl = cacheControl === null ? value : `${cacheControl}, ${value}`
        break
      default:
        headers.push(name, value)
    }
  }
  if (cacheControl !== null) headers.push('cache-control', upstream.token === 'none' ? cacheControl : forOneReader(cacheControl))
  return { headers, policy: upstream.document ? policy ?? DOCUMENT_POLICY : SANDBOX_POLICY }
}

/** The upstream answered a request with a token, which no shared cache keeps unless it says `public` (RFC 9111 §3.5). Towards
 * the browser there is no token to see, so it is said. */
function forOneReader(cacheControl: string): string {
  return /\b(?:public|private|no-store)\b/i.test(cacheControl) ? cacheControl : `private, ${cacheControl}`
}

/** A redirect inside the target comes back under the prefix; one to a listed origin passes; any other would tell where our
 * upstreams live, or send people wherever the upstream was talked into. @returns null: drop it */
function mapLocation(value: string, upstream: Upstream, path: string): string | null {
  const { origin, basePath } = upstream.target
  let url: URL
  try {
    url = new URL(value, origin + path)
  }
  catch {
    return null
  }
  if (url.origin !== origin) return upstream.redirectOrigins.includes(url.origin) ? url.href : null
  const rest = url.pathname + url.search + url.hash
  if (!upstream.strip) return rest.startsWith(upstream.prefix) ? rest : null
  if (basePath !== '' && !rest.startsWith(`${basePath}/`) && rest !== basePath) return null
  const mapped = upstream.prefix + rest.slice(basePath.length)
  // Dots that were resolved away may have left what a browser reads as another host.
  return mapped.startsWith('//') ? null : mapped
}
