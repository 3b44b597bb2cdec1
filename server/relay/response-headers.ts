import type { Upstream } from '../config/upstream.ts'
import { removedNames } from './removed-names.ts'
import { namesForThisHop } from './request-headers.ts'
import type { UpstreamHeaders } from './types.ts'

/** Hop-by-hop, or with power over more than this one answer. */
const REMOVED = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info', 'te',
  'transfer-encoding', 'upgrade', 'strict-transport-security', 'clear-site-data', 'service-worker-allowed', 'refresh', 'alt-svc', 'nel',
  'report-to', 'reporting-endpoints', 'x-sendfile', 'x-lighttpd-send-file', 'public-key-pins', 'origin-agent-cluster', 'origin-trial',
  'content-security-policy-report-only', 'speculation-rules', 'secure-session-registration', 'secure-session-challenge', 'dpop-nonce',
])
const REMOVED_PREFIXES = ['access-control-', 'x-accel-']

/** undici gives them in lower case. */
const isRemoved = removedNames(REMOVED, REMOVED_PREFIXES, name => name)

/** An upstream's HTML must not run with our users' power: it is shown in a box without scripts, forms or an origin. */
const SANDBOX_POLICY = 'default-src \'none\'; sandbox; frame-ancestors \'none\''

/** For a page that says nothing itself. */
export const DOCUMENT_POLICY = 'frame-ancestors \'none\''

export interface RelayedHeaders { headers: string[], policy: string | null }

/** What the browser gets of an upstream's headers.
 * @param path what was asked of the upstream @returns headers as name, value, …, and the page policy to send */
export function responseHeaders(answered: UpstreamHeaders, upstream: Upstream, path: string, isOwnCookie: (name: string) => boolean): RelayedHeaders {
  const listed = answered.connection === undefined ? null : namesForThisHop(joined(answered.connection))
  const headers: string[] = []
  let policy: string | null = null
  let cacheControl: string | null = null
  for (const name in answered) {
    const value = answered[name]
    if (value === undefined || isRemoved(name) || listed?.has(name)) continue
    switch (name) {
      case 'content-security-policy':
        policy = joined(value)
        break
      case 'set-cookie':
        if (upstream.cookies) for (const cookie of listOf(value)) if (!isOwnCookie(cookieNameOf(cookie))) headers.push(name, cookie)
        break
      case 'location':
      case 'content-location':
        for (const one of listOf(value)) {
          const mapped = mapLocation(one, upstream, path)
          if (mapped !== null) headers.push(name, mapped)
        }
        break
      case 'cache-control':
        cacheControl = joined(value)
        break
      default:
        if (typeof value === 'string') headers.push(name, value)
        else for (const one of value) headers.push(name, one)
    }
  }
  if (cacheControl !== null) headers.push('cache-control', upstream.token === 'none' ? cacheControl : forOneReader(cacheControl))
  return { headers, policy: upstream.document ? policy ?? DOCUMENT_POLICY : SANDBOX_POLICY }
}

/** Several lines of one header mean the same as one with commas (RFC 9110 §5.3). */
export function joined(value: string | string[]): string {
  return typeof value === 'string' ? value : value.join(', ')
}

function listOf(value: string | string[]): string[] {
  return typeof value === 'string' ? [value] : value
}

function cookieNameOf(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf('=')).trim()
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
