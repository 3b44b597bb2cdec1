import type { Upstream } from '../config/upstream-config.ts'

export interface Match {
  upstream: Upstream
  /** The raw path for the upstream, from `/` on. */
  path: string
}

/**
 * Finds the upstream of a path: the longest prefix wins, and a prefix ends at a segment's end. The path is matched and
 * forwarded as the same raw bytes; path-guard has refused what could climb out of it.
 */
export function createRoutes(upstreams: readonly Upstream[]) {
  const bySpecificity = upstreams.toSorted((a, b) => b.prefix.length - a.prefix.length)

  return (path: string): Match | null => {
    for (const upstream of bySpecificity) {
      const { prefix, target, strip } = upstream
      if (!path.startsWith(prefix)) continue
      if (path.length > prefix.length && path.charCodeAt(prefix.length) !== 0x2f) continue
      const tail = strip ? path.slice(prefix.length) : path
      return { upstream, path: target.basePath + tail || '/' }
    }
    return null
  }
}
