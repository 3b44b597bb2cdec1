import { isLoopback } from '../config/address.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { isUnder, RESERVED } from '../contract/reserved.ts'
import { elementsOf } from './header-list.ts'

/** The request that an upstream's references are relative to. */
export interface ReferenceContext {
  upstream: Upstream
  /** The path requested from the upstream, starting with `/`. */
  path: string
  publicOrigin: string
  /** Everything on this site that is relayed, a front end included. */
  relayed: readonly Upstream[]
}

/**
 * Maps a reference in `Location` and the like to where the browser finds it. An upstream knows itself by the address
 * that we call (with a scheme perhaps from X-Forwarded-Proto) or by the public one (from X-Forwarded-Host): both are
 * mapped below the prefix, except for what can only be another part of this site.
 * @returns null if the reference must be dropped, because it would reveal an internal address or be an open redirect
 */
export function mapReference(value: string, context: ReferenceContext): string | null {
  const url = resolveReference(value, context)
  return url === null ? null : publicUrlOf(url, context)
}

/**
 * Maps the targets of a Link header (RFC 8288). A link to another origin is kept, since unlike a redirect it navigates
 * nobody there.
 * @returns null if nothing is left
 */
export function mapLinks(value: string, context: ReferenceContext): string | null {
  const mapped: string[] = []
  for (const link of elementsOf(value, true) ?? []) {
    const [, target, parameters = ''] = /^<([^>]*)>(.*)$/.exec(link) ?? []
    if (target === undefined) continue
    const url = resolveReference(target, context)
    const mappedTarget = url === null || isElsewhere(url, context) ? target : publicUrlOf(url, context)
    if (mappedTarget !== null) mapped.push(`<${mappedTarget}>${parameters}`)
  }
  return mapped.length === 0 ? null : mapped.join(', ')
}

function resolveReference(value: string, { upstream, path }: ReferenceContext): URL | null {
  try {
    return new URL(asText(value), upstream.target.origin + path)
  } catch {
    return null
  }
}

function isElsewhere(url: URL, { upstream, publicOrigin }: ReferenceContext): boolean {
  return !isAt(url, upstream.target.origin) && !isAt(url, publicOrigin)
}

function publicUrlOf(url: URL, context: ReferenceContext): string | null {
  const { upstream, publicOrigin } = context
  const isPublic = isAt(url, publicOrigin)
  if (!isAt(url, upstream.target.origin)) {
    if (upstream.redirectOrigins.includes(url.origin)) return url.href
    if (!isPublic) return null
  }
  const path = publicPath(url.pathname, isPublic, context)
  // Resolving dot segments may have left what a browser reads as another host.
  return path === null || path.startsWith('//') ? null : path + url.search + url.hash
}

/**
 * Whether a URL is at an origin, under either scheme. Frameworks that were told to listen on 127.0.0.1 name themselves
 * localhost (Next).
 */
function isAt(url: URL, origin: string): boolean {
  const { hostname, port, protocol } = new URL(origin)
  const isSameHost = url.hostname === hostname || (isLoopback(url.hostname) && isLoopback(hostname))
  if (!isSameHost || !/^https?:$/.test(url.protocol)) return false
  return url.port === port || portOf(url.protocol, url.port) === portOf(protocol, port)
}

function portOf(protocol: string, port: string): string {
  return port !== '' ? port : protocol === 'https:' ? '443' : '80'
}

function publicPath(path: string, isPublic: boolean, context: ReferenceContext): string | null {
  const { upstream, path: askedPath } = context
  const {
    prefix,
    strip,
    target: { basePath },
  } = upstream
  const own = isUnderBase(path, basePath) ? path.slice(basePath.length) : null
  // Its paths are the public ones, with or without the target's.
  if (!strip) return [own, path].find(candidate => candidate !== null && isUnder(candidate, prefix)) ?? own ?? path
  // An upstream that supports X-Forwarded-Prefix adds the prefix itself; one that does not may have such a path of its
  // own.
  const hasSuchPaths = basePath === '' ? isUnder(askedPath.replace(/[?#].*$/s, ''), prefix) : own !== null
  if (prefix !== '' && isUnder(path, prefix) && (isPublic || !hasSuchPaths)) {
    const tail = path.slice(prefix.length)
    return prefix + (basePath !== '' && isUnder(tail, basePath) ? tail.slice(basePath.length) : tail)
  }
  if (isPublic && isElsewhereOnSite(path, context)) return path
  return own === null ? (isPublic ? null : outsideTarget(path, context)) : prefix + own
}

/** Whether a public path is ours or another upstream's, and therefore cannot be this one's without its prefix. */
function isElsewhereOnSite(path: string, { upstream, relayed }: ReferenceContext): boolean {
  const prefixes = relayed.filter(({ name, prefix }) => name !== upstream.name && prefix !== '')
  return [...RESERVED, ...prefixes.map(({ prefix }) => prefix)].some(place => isUnder(path, place))
}

/**
 * Where a path of the target's origin, but outside the target, is on this site: an application may be both the front
 * end and several upstreams, each with a part of its paths.
 */
function outsideTarget(path: string, context: ReferenceContext): string | null {
  const [home] = context.relayed
    .filter(
      ({ target: { origin, basePath } }) => origin === context.upstream.target.origin && isUnderBase(path, basePath),
    )
    .toSorted((a, b) => b.target.basePath.length - a.target.basePath.length)
  if (home === undefined) return isElsewhereOnSite(path, context) ? path : null
  return (home.strip ? home.prefix : '') + path.slice(home.target.basePath.length)
}

function isUnderBase(path: string, basePath: string): boolean {
  return basePath === '' || isUnder(path, basePath)
}

/**
 * Header bytes are decoded as Latin-1. Bytes beyond ASCII are decoded as UTF-8 if they are valid, and otherwise escaped
 * one by one.
 */
function asText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value.replaceAll(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  }
}
