import { knowsCallers, type Upstream } from '../config/upstream-config.ts'
import { allowedChallenges } from './challenges.ts'
import { cookieNameOf } from './cookie-name.ts'
import { headerFilter } from './header-filter.ts'
import { canonicalName } from './identity-headers.ts'
import { type ReferenceContext, mapLinks, mapReference } from './references.ts'
import { namesForThisHop } from './request-headers.ts'
import type { UpstreamHeaders } from './types.ts'

/**
 * Hop-by-hop headers, and headers with an effect beyond this one response. `Trailer` is only an announcement, which
 * Node refuses without chunks.
 */
const REMOVED = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'strict-transport-security',
  'expect-ct',
  'public-key-pins',
  'public-key-pins-report-only',
  'clear-site-data',
  'service-worker-allowed',
  'refresh',
  'alt-svc',
  'nel',
  'report-to',
  'reporting-endpoints',
  'origin-agent-cluster',
  'origin-trial',
  'content-security-policy-report-only',
  'speculation-rules',
  'dpop-nonce',
  'set-cookie2',
  'set-login',
  'accept-ch',
  'accept-ch-lifetime',
  'critical-ch',
  'use-as-dictionary',
  'timing-allow-origin',
  'observe-browsing-topics',
  'shared-storage-write',
  'optional-www-authenticate',
  'authentication-control',
  // A shared cache would prefer these over Cache-Control, which is private for sessions (RFC 9213).
  'cdn-cache-control',
  'cloudflare-cdn-cache-control',
  'netlify-cdn-cache-control',
  'vercel-cdn-cache-control',
  'akamai-cache-control',
  'surrogate-control',
  'edge-control',
]
const REMOVED_PREFIXES = [
  'access-control-',
  'x-accel-',
  'x-sendfile',
  'x-lighttpd-',
  'x-reproxy-',
  'secure-session-',
  'sec-session-',
  'attribution-reporting-',
]

/**
 * Only forwarded with this spelling: a proxy or script that reads `_` as `-` would take other spellings for the same.
 */
const MISSPELLED = [
  'content-',
  'set-cookie',
  'cache-control',
  'www-authenticate',
  'last-modified',
  'retry-after',
  'x-frame-options',
  'x-content-type-options',
  'cross-origin-',
  'referrer-policy',
  'permissions-policy',
]

const isRemoved = headerFilter({ names: REMOVED, prefixes: REMOVED_PREFIXES, misspelled: MISSPELLED }, canonicalName)

/** Not allowed as trailers, because they were decided by the response's headers (RFC 9110 §6.5.1). */
const NEVER_TRAILING = headerFilter(
  {
    names: [
      'set-cookie',
      'location',
      'link',
      'cache-control',
      'www-authenticate',
      'authentication-info',
      'age',
      'date',
      'expires',
      'pragma',
      'retry-after',
      'vary',
      'warning',
      'server',
      'x-powered-by',
      'x-request-id',
      'x-frame-options',
      'x-content-type-options',
      'referrer-policy',
      'permissions-policy',
      'content-type',
      'content-length',
      'content-encoding',
      'content-range',
      'content-location',
      'content-disposition',
      'content-language',
    ],
    prefixes: ['content-security-', 'cross-origin-', 'sec-'],
  },
  canonicalName,
)

/** An upstream's HTML must not run with our users' privileges: it is sandboxed without scripts, forms or an origin. */
const SANDBOX_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"

/** For a document upstream that sends no policy. */
export const DOCUMENT_POLICY = "frame-ancestors 'none'"

export interface RelayedHeaders {
  headers: string[]
  policy: string | null
}

interface Deps {
  publicOrigin: string
  relayed: readonly Upstream[]
  isOwnCookie: (name: string) => boolean
}

/** Filters and maps an upstream's response headers for the browser. */
export function responseFilter({ publicOrigin, relayed, isOwnCookie }: Deps) {
  return {
    /**
     * @param path the path requested from the upstream
     * @returns headers as name, value, …, and the page policy to send
     */
    headers(status: number, answered: UpstreamHeaders, upstream: Upstream, path: string): RelayedHeaders {
      const listed = answered.connection === undefined ? null : namesForThisHop(joined(answered.connection))
      const context = { upstream, path, publicOrigin, relayed }
      const headers: string[] = []
      let policy: string | null = null
      for (const name in answered) {
        const value = answered[name]
        if (value === undefined || listed?.has(canonicalName(name))) continue
        if (isRemoved(name)) {
          // The only instruction that an upstream may give a proxy in front of us: not to buffer a response.
          if (name === 'x-accel-buffering' && value === 'no') headers.push(name, value)
          continue
        }
        switch (name) {
          case 'content-security-policy':
            policy = joined(value)
            break
          case 'set-cookie':
            if (upstream.cookies)
              for (const cookie of listOf(value)) if (!isOwnCookie(cookieNameOf(cookie))) headers.push(name, cookie)
            break
          case 'content-length':
            // RFC 9110 §8.6: never with 1xx or 204, where a client might wait for the announced body.
            if (status >= 200 && status !== 204) headers.push(name, joined(value))
            break
          case 'location':
          case 'content-location':
          case 'link':
          case 'www-authenticate':
            for (const item of listOf(value)) {
              const mapped = MAPPED[name](item, context)
              if (mapped !== null) headers.push(name, mapped)
            }
            break
          case 'cache-control':
            headers.push(name, knowsCallers(upstream) ? asPrivate(joined(value)) : joined(value))
            break
          default:
            if (typeof value === 'string') headers.push(name, value)
            else for (const item of value) headers.push(name, item)
        }
      }
      return { headers, policy: upstream.document ? (policy ?? DOCUMENT_POLICY) : SANDBOX_POLICY }
    },

    /** @returns names and values of the trailers to pass on */
    trailers(answered: UpstreamHeaders): [string, string][] {
      const trailers: [string, string][] = []
      for (const name in answered) {
        if (isRemoved(name) || NEVER_TRAILING(name)) continue
        for (const value of listOf(answered[name] ?? [])) trailers.push([name, value])
      }
      return trailers
    },
  }
}

export type ResponseFilter = ReturnType<typeof responseFilter>

/** Headers whose values are rewritten; null drops the value. */
const MAPPED: Record<
  'location' | 'content-location' | 'link' | 'www-authenticate',
  (value: string, context: ReferenceContext) => string | null
> = {
  location: mapReference,
  'content-location': mapReference,
  link: mapLinks,
  'www-authenticate': allowedChallenges,
}

/** Several lines of one header equal one line joined with commas (RFC 9110 §5.3). */
export function joined(value: string | string[]): string {
  return typeof value === 'string' ? value : value.join(', ')
}

function listOf(value: string | string[]): string[] {
  return typeof value === 'string' ? [value] : value
}

/**
 * The upstream's response depended on who calls, so shared caches may not store it unless it says `public` (RFC 9111
 * §3.5). The browser's request has no Authorization, so the response says so explicitly.
 */
function asPrivate(cacheControl: string): string {
  return /\b(?:public|private|no-store)\b/i.test(cacheControl) ? cacheControl : `private, ${cacheControl}`
}
