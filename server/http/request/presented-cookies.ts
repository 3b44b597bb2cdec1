import { LRUCache } from 'lru-cache'
import { readSessionCookies } from '../../session/cookie-names.ts'
import type { PresentedCookies } from '../../session/types.ts'

/**
 * Bounds the cache by number and by size: a number alone would allow large headers to fill the memory, a size alone a
 * multitude of tiny ones.
 */
const CACHE_MAX = 20_000
const CACHE_MAX_CHARS = 16 * 1024 * 1024

/**
 * Parses the session cookies of requests, with a cache. Browsers send the same header for minutes, so it is parsed once
 * into one object, which the session service recognises by identity without hashing. Its validity is judged again on
 * every request.
 */
export function cookieReader(names: { access: string; refresh: string }): (header: string) => PresentedCookies {
  const read = new LRUCache<string, PresentedCookies>({
    max: CACHE_MAX,
    maxSize: CACHE_MAX_CHARS,
    sizeCalculation: (_, header) => header.length,
  })

  return header => {
    const known = read.get(header)
    if (known !== undefined) return known
    const presented = readSessionCookies(header, names)
    // Only headers with a session are cached, so that strangers cannot evict those of signed-in users.
    if (presented.access !== null || presented.refresh !== null) read.set(header, presented)
    return presented
  }
}
