import { SECOND } from '../../base/clock.ts'
import { sha256 } from '../../base/ids.ts'
import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from './reply.ts'

interface Form {
  contentType: string
  maxAgeMs: number
}

/** A public document for programs that fetch it again and again: with an ETag, and 304 if theirs is current. */
export function cacheableJson(ctx: Pick<RequestContext, 'headers'>, form: Form, document: object): Reply {
  return cacheableText(ctx, form, JSON.stringify(document))
}

/** The same for a document that is text already. */
export function cacheableText(
  { headers }: Pick<RequestContext, 'headers'>,
  { contentType, maxAgeMs }: Form,
  body: string,
): Reply {
  const tag = `"${sha256(body).slice(0, 22)}"`
  const shared = ['Cache-Control', `public, max-age=${Math.floor(maxAgeMs / SECOND)}`, 'ETag', tag]
  if (isCurrent(headers['if-none-match'], tag)) return { status: 304, headers: shared, body: null }
  return { status: 200, headers: ['Content-Type', contentType, ...shared], body }
}

/** Weak comparison (RFC 9110 §13.1.2), because a proxy that compresses a response weakens its tag. */
function isCurrent(ifNoneMatch: string | undefined, tag: string): boolean {
  return ifNoneMatch?.split(',').some(one => one.trim().replace(/^W\//, '') === tag) ?? false
}
