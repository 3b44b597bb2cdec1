import type { Upstream } from '../../config/upstream-config.ts'
import { isUnder } from '../../contract/reserved.ts'
import { HOME, safeReturnTo } from '../../contract/return-to.ts'
import type { RequestContext } from './request-context.ts'

/** Where a sign-in on this site may return to: one rule for pages, forms, redirects and providers. */
export interface ReturnPaths {
  /** @returns the path of a page of this site, or `/` */
  safe(requested: unknown): string
  /** The path that leads back to what was requested: as it is, or without what makes it too long or ambiguous. */
  backTo(ctx: Pick<RequestContext, 'path' | 'search' | 'match'>): string
  /** The first page of what was requested. */
  startOf(ctx: Pick<RequestContext, 'match'>): string
  /**
   * What our pages have to know to agree about the `returnTo` of their own address. Other upstreams are nobody's
   * business before a sign-in.
   * @param search the query of the page
   */
  documentsIn(search: string): readonly string[]
}

const NONE: readonly string[] = []

export function createReturnPaths(upstreams: readonly Pick<Upstream, 'prefix' | 'document'>[]): ReturnPaths {
  const documents = upstreams
    .filter(upstream => upstream.document && isUnder(upstream.prefix, '/api'))
    .map(upstream => upstream.prefix)
  const safe = (requested: unknown) => safeReturnTo(requested, documents)
  const startOf = ({ match }: Pick<RequestContext, 'match'>) => safe(`${match?.upstream.prefix ?? ''}/`)

  return {
    safe,
    startOf,
    backTo: ctx => [ctx.path + ctx.search, ctx.path].map(safe).find(path => path !== HOME) ?? startOf(ctx),
    documentsIn(search) {
      if (documents.length === 0 || !search.includes('returnTo=')) return NONE
      const requested = safe(new URLSearchParams(search).get('returnTo')).replace(/[?#].*$/s, '')
      return documents.filter(prefix => isUnder(requested, prefix))
    },
  }
}
