import type { Upstream } from '../config/upstream-config.ts'
import { peerOf } from '../base/peer.ts'
import { cookieNameOf } from './cookie-name.ts'
import { headerFilter } from './header-filter.ts'
import { canonicalName, IDENTITY_FAMILIES, IDENTITY_NAMES, ORDINARY_NAMES } from './identity-headers.ts'

/**
 * Hop-by-hop headers (RFC 9110 §7.6.1), and headers that only we may set. Trailers are not forwarded, so they are not
 * announced either.
 */
const REMOVED = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'expect',
  'authorization',
  'dpop',
  'x-request-id',
]
/**
 * Standard headers are only forwarded with their standard spelling. A server that reads `_` as `-` (CGI, WSGI, Rack,
 * PHP) would take `Content_Length` for the length although no earlier hop did, and `Sec_Fetch_Site`, which any script
 * can set, for the browser's own.
 */
const MISSPELLED = [
  'content-',
  'accept-',
  'if-',
  'sec-',
  'access-control-',
  'cache-control',
  'max-forwards',
  'user-agent',
  'last-event-id',
  'upgrade-',
  'early-data',
  'idempotency-key',
]
/** Upstreams without headers of their own share one filter and its cache. */
const filters = new WeakMap<Upstream, (name: string) => boolean>()
const usualFilter = filterWith([])

function filterWith(dropHeaders: readonly string[]): (name: string) => boolean {
  const names = [...REMOVED, ...IDENTITY_NAMES, ...dropHeaders.map(canonicalName)]
  const except = ORDINARY_NAMES.filter(name => !names.includes(name))
  return headerFilter({ names, prefixes: IDENTITY_FAMILIES, except, misspelled: MISSPELLED }, canonicalName)
}

function filterOf(upstream: Upstream): (name: string) => boolean {
  const { dropHeaders, tokenHeader } = upstream
  if (dropHeaders.length === 0 && tokenHeader === null) return usualFilter
  // Only we may say who somebody is: the client's own header of that name is removed from anonymous calls, too.
  const filter =
    filters.get(upstream) ?? filterWith([...dropHeaders, ...(tokenHeader === null ? [] : [tokenHeader.name])])
  filters.set(upstream, filter)
  return filter
}

export interface ForwardedHeaders {
  publicUrl: { protocol: string; host: string }
  network: string
  requestId: string
  /** Trace context in place of the client's: name, value, …; null: the client's own passes. */
  trace: readonly string[] | null
  credentials: readonly string[]
}

/**
 * The headers sent to an upstream: the client's end-to-end headers, without any that only we may set, plus ours.
 * @param rawHeaders name, value, … as received; every repetition is kept
 * @returns the same form
 */
export function requestHeaders(
  rawHeaders: readonly string[],
  upstream: Upstream,
  forwarded: ForwardedHeaders,
  isOwnCookie: (name: string) => boolean,
): string[] {
  const listed = namesForThisHop(connectionOf(rawHeaders))
  const isRemoved = filterOf(upstream)
  const out: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (isRemoved(name) || listed?.has(canonicalName(name))) continue
    if (forwarded.trace !== null && isTraceContext(name)) continue
    if (name.length === 6 && name.toLowerCase() === 'cookie') {
      const cookies = upstream.cookies ? otherCookies(value, isOwnCookie) : ''
      if (cookies !== '') out.push(name, cookies)
      continue
    }
    out.push(name, value)
  }
  out.push(
    'x-forwarded-for',
    peerOf(forwarded.network),
    'x-forwarded-proto',
    forwarded.publicUrl.protocol,
    'x-forwarded-host',
    forwarded.publicUrl.host,
    'x-request-id',
    forwarded.requestId,
  )
  if (upstream.host === 'public') out.push('host', forwarded.publicUrl.host)
  if (upstream.strip && upstream.prefix !== '') out.push('x-forwarded-prefix', upstream.prefix)
  if (forwarded.trace !== null) out.push(...forwarded.trace)
  out.push(...forwarded.credentials)
  return out
}

/** W3C Trace Context §3; neither name has another spelling. */
function isTraceContext(name: string): boolean {
  if (name.length !== 11 && name.length !== 10) return false
  const plain = name.toLowerCase()
  return plain === 'traceparent' || plain === 'tracestate'
}

/**
 * The headers listed in Connection, which concern this hop only. Ours are added later, so a client cannot remove them.
 * @param value of Connection
 * @returns canonical names; null if none but Connection's own options are listed
 */
export function namesForThisHop(value: string): Set<string> | null {
  // The most frequent values, which list no header.
  if (value === '' || value === 'keep-alive' || value === 'close') return null
  const names = new Set(value.split(',').map(name => canonicalName(name.trim())))
  // A length never concerns one hop only: without it, the body would run into the next request.
  names.delete('content-length')
  return names
}

/** All values of a repeated Connection header, joined (RFC 9110 §5.3). */
function connectionOf(rawHeaders: readonly string[]): string {
  let all = ''
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 10 || rawHeaders[i]?.toLowerCase() !== 'connection') continue
    const value = rawHeaders[i + 1] ?? ''
    all = all === '' ? value : `${all},${value}`
  }
  return all
}

function otherCookies(header: string, isOwnCookie: (name: string) => boolean): string {
  return header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair !== '' && !isOwnCookie(cookieNameOf(pair)))
    .join('; ')
}
