import type { Upstream } from '../config/upstream-config.ts'

export interface Match {
  upstream: Upstream
  /** The raw path for the upstream, starting with `/`. */
  path: string
}

/**
 * Finds the upstream of a path: the longest prefix that ends at a segment boundary. The same raw bytes are matched and
 * forwarded; path-guard has rejected any that could escape the prefix.
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
