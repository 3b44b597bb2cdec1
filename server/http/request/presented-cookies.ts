import { LRUCache } from 'lru-cache'
import { readSessionCookies } from '../../session/cookies.ts'
import type { PresentedCookies } from '../../session/types.ts'

/** Headers kept. Their number alone would let large ones fill the memory, their size alone a multitude of tiny ones. */
const KEPT = 20_000
const KEPT_CHARS = 16 * 1024 * 1024

/**
 * Reads the session cookies of requests. Browsers send the same header for minutes, on whichever connection: it is read
 * once, and the same object stands for it from then on, by which the session service recognises it without a hash. What
 * it means is judged again on every request.
 */
export function cookieReader(names: { access: string; refresh: string }): (header: string) => PresentedCookies {
  const read = new LRUCache<string, PresentedCookies>({
    max: KEPT,
    maxSize: KEPT_CHARS,
    sizeCalculation: (_, header) => header.length,
  })

  return header => {
    const known = read.get(header)
    if (known !== undefined) return known
    const presented = readSessionCookies(header, names)
    // Without a session there is nothing to recognise, and strangers must not crowd out those who have one.
    if (presented.access !== null || presented.refresh !== null) read.set(header, presented)
    return presented
  }
}
