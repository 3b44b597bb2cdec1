import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'

/** What a request says about where it came from, as the headers were sent. */
export interface Provenance {
  origin: string | undefined
  secFetchSite: string | undefined
  secFetchMode: string | undefined
  referer: string | undefined
}

/**
 * Whether a request that changes something comes from our own pages. Every statement that is there has to agree: a
 * cookie's SameSite is not enough, a sibling host's requests carry even Strict ones (BBA-9).
 * @see Fetch Metadata §2.3 · RFC 6454 §7 · the decision table in same-origin.test.ts
 */
export function isSameOrigin(from: Provenance, publicOrigin: string): boolean {
  // A page without a referrer posts its forms with `Origin: null` (Fetch §3.2); a script can say so too, but forge no
  // Sec-Fetch-Site.
  const unnamed = from.origin === 'null' && from.secFetchSite === 'same-origin'
  if (from.origin !== undefined && from.origin !== publicOrigin && !unnamed) return false
  switch (from.secFetchSite) {
    case 'same-origin':
      return true
    // Typed, bookmarked or reloaded: no page is behind it.
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
 * Safe methods pass; what they must not do is the routes' business (CS-6). Upgrades are GETs that open a channel both
 * ways.
 */
export function requireSameOrigin(publicOrigin: string) {
  return (ctx: RequestContext): undefined => {
    if (ctx.safe && !ctx.upgrade) return
    if (ctx.parent) {
      // What renders a page may change something only if the request for the page was allowed to.
      if (ctx.parent.safe) throw new Problem('cross_origin')
      return
    }
    const { headers } = ctx
    const from = {
      origin: headers.origin,
      secFetchSite: one(headers['sec-fetch-site']),
      secFetchMode: one(headers['sec-fetch-mode']),
      referer: headers.referer,
    }
    if (!isSameOrigin(from, publicOrigin)) throw new Problem('cross_origin')
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
