import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'

/** The headers that tell where a request came from, as sent. */
export interface Provenance {
  origin: string | undefined
  secFetchSite: string | undefined
  secFetchMode: string | undefined
  referer: string | undefined
}

/**
 * Whether a state-changing request comes from our own pages. All headers present have to agree. SameSite cookies are
 * not enough, because sibling hosts' requests carry even Strict ones (BBA-9).
 * @see Fetch Metadata §2.3 · RFC 6454 §7 · the decision table in same-origin.test.ts
 */
export function isSameOrigin(from: Provenance, publicOrigin: string): boolean {
  // A page with a no-referrer policy posts its forms with `Origin: null` (Fetch §3.2); a script of another site may do
  // so too, but cannot forge Sec-Fetch-Site.
  const unnamed = from.origin === 'null' && from.secFetchSite === 'same-origin'
  if (from.origin !== undefined && from.origin !== publicOrigin && !unnamed) return false
  switch (from.secFetchSite) {
    case 'same-origin':
      return true
    // Typed, bookmarked or reloaded: not caused by another page.
    case 'none':
      return from.secFetchMode === 'navigate'
    case undefined:
      return from.origin !== undefined || originOf(from.referer) === publicOrigin
    default:
      return false
  }
}

function originOf(referer: string | undefined): string | null {
  return referer === undefined ? null : (URL.parse(referer)?.origin ?? null)
}

/**
 * Safe methods pass: their routes must not change anything (CS-6). Upgrades are GETs that open a two-way channel, so
 * they are checked.
 */
export function requireSameOrigin(publicOrigin: string) {
  return (ctx: RequestContext): undefined => {
    if (ctx.safe && !ctx.upgrade) return
    if (ctx.parent) {
      // A rendering page may only change something if its own request was allowed to.
      if (ctx.parent.safe) throw new Problem('cross_origin')
      return
    }
    const { headers } = ctx
    const from = {
      origin: headers.origin,
      secFetchSite: joined(headers['sec-fetch-site']),
      secFetchMode: joined(headers['sec-fetch-mode']),
      referer: headers.referer,
    }
    if (!isSameOrigin(from, publicOrigin)) throw new Problem('cross_origin')
  }
}

function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
