import type { Upstream } from '../config/upstream-config.ts'
import { isUnder } from '../contract/reserved.ts'
import { elementsOf } from './header-list.ts'

/** What an upstream's references are read against. */
export interface Asked {
  upstream: Upstream
  /** What was asked of the upstream, from `/` on. */
  path: string
  publicOrigin: string
}

/**
 * Where the browser finds what an upstream refers to in `Location` and the like. An upstream knows itself by the
 * address that we call, whose scheme it may take from X-Forwarded-Proto, or by the public one, which it may take from
 * X-Forwarded-Host: both come back under the prefix.
 * @returns null: it is not to be told, since it would say where our upstreams live, or send people wherever the
 * upstream was talked into
 */
export function mapReference(value: string, asked: Asked): string | null {
  const url = resolveReference(value, asked)
  return url === null ? null : publicUrlOf(url, asked)
}

/**
 * The targets of a Link header (RFC 8288), mapped. Unlike a redirect, a link elsewhere takes nobody there: it stays.
 * @returns null: nothing is left of it
 */
export function mapLinks(value: string, asked: Asked): string | null {
  const mapped: string[] = []
  for (const link of elementsOf(value, true) ?? []) {
    const [, target, parameters = ''] = /^<([^>]*)>(.*)$/.exec(link) ?? []
    if (target === undefined) continue
    const url = resolveReference(target, asked)
    const there = url === null || isElsewhere(url, asked) ? target : publicUrlOf(url, asked)
    if (there !== null) mapped.push(`<${there}>${parameters}`)
  }
  return mapped.length === 0 ? null : mapped.join(', ')
}

function resolveReference(value: string, { upstream, path }: Asked): URL | null {
  try {
    return new URL(asText(value), upstream.target.origin + path)
  } catch {
    return null
  }
}

function isElsewhere(url: URL, { upstream, publicOrigin }: Asked): boolean {
  return !isAt(url, upstream.target.origin) && !isAt(url, publicOrigin)
}

function publicUrlOf(url: URL, asked: Asked): string | null {
  const { upstream, publicOrigin } = asked
  const isPublic = isAt(url, publicOrigin)
  if (!isAt(url, upstream.target.origin)) {
    if (upstream.redirectOrigins.includes(url.origin)) return url.href
    if (!isPublic) return null
  }
  const path = publicPath(url.pathname, isPublic, asked)
  // Dots that were resolved away may have left what a browser reads as another host.
  return path === null || path.startsWith('//') ? null : path + url.search + url.hash
}

/** Whether a URL is at an origin, under either scheme. */
function isAt(url: URL, origin: string): boolean {
  const { hostname, port, protocol } = new URL(origin)
  if (url.hostname !== hostname || !/^https?:$/.test(url.protocol)) return false
  return url.port === port || portOf(url.protocol, url.port) === portOf(protocol, port)
}

function portOf(protocol: string, port: string): string {
  return port !== '' ? port : protocol === 'https:' ? '443' : '80'
}

function publicPath(path: string, isPublic: boolean, { upstream, path: askedPath }: Asked): string | null {
  const {
    prefix,
    strip,
    target: { basePath },
  } = upstream
  const own = basePath === '' || isUnder(path, basePath) ? path.slice(basePath.length) : null
  if (!strip) return [own, path].find(one => one !== null && isUnder(one, prefix)) ?? null
  // An upstream that reads X-Forwarded-Prefix writes the prefix itself; one that does not may have such a path of its
  // own.
  const hasSuchPaths = basePath === '' ? isUnder(askedPath.replace(/[?#].*$/s, ''), prefix) : own !== null
  if (prefix !== '' && isUnder(path, prefix) && (isPublic || !hasSuchPaths)) {
    const tail = path.slice(prefix.length)
    return prefix + (basePath !== '' && isUnder(tail, basePath) ? tail.slice(basePath.length) : tail)
  }
  return own === null ? null : prefix + own
}

/**
 * Header bytes come as Latin-1. Bytes beyond ASCII are meant as UTF-8, where they are that; else each is escaped for
 * itself.
 */
function asText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value.replaceAll(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  }
}
