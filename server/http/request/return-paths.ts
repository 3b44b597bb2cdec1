import { isUnder } from '../../contract/reserved.ts'
import { HOME, safeReturnTo } from '../../contract/return-to.ts'
import type { Match } from '../../relay/route-matcher.ts'
import type { RequestContext } from './request-context.ts'

/** Where a sign-in on this site may return to: one rule for pages, forms, redirects and providers. */
export interface ReturnPaths {
  /** @returns the path of a page of this site, or `/` */
  safe(requested: unknown): string
  /** The path that leads back to what was requested: as it is, or without what makes it too long or ambiguous. */
  backTo(ctx: Pick<RequestContext, 'path' | 'search' | 'match'>): string
  /** The first page of what was requested. */
  startOf(ctx: Pick<RequestContext, 'match'>): string
  /** Whether a path only opens after a recent sign-in, so that returning there without one would lead nowhere. */
  requiresRecent(path: string): boolean
  /**
   * What our pages have to know to agree about the `returnTo` of their own address. Other upstreams are nobody's
   * business before a sign-in.
   * @param search the query of the page
   */
  documentsIn(search: string): readonly string[]
}

const NONE: readonly string[] = []

/** @param match finds the upstream, or the front end, of a path */
export function createReturnPaths(match: (path: string) => Match | null): ReturnPaths {
  const upstreamOf = (path: string) => match(withoutQuery(path))?.upstream ?? null
  const safe = (requested: unknown) => {
    const path = safeReturnTo(requested, ['/api'])
    return isUnder(withoutQuery(path), '/api') && upstreamOf(path)?.document !== true ? HOME : path
  }
  const startOf = (ctx: Pick<RequestContext, 'match'>) => safe(`${ctx.match?.upstream.prefix ?? ''}/`)

  return {
    safe,
    startOf,
    backTo: ctx => [ctx.path + ctx.search, ctx.path].map(safe).find(path => path !== HOME) ?? startOf(ctx),
    requiresRecent: path => (upstreamOf(path)?.requires.maxAgeMs ?? null) !== null,
    documentsIn(search) {
      if (!search.includes('returnTo=')) return NONE
      const path = safe(new URLSearchParams(search).get('returnTo'))
      // Only a front end has an empty prefix.
      return isUnder(withoutQuery(path), '/api') ? [upstreamOf(path)?.prefix || '/api'] : NONE
    },
  }
}

const withoutQuery = (path: string) => path.replace(/[?#].*$/s, '')
