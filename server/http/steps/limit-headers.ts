import type { IncomingMessage } from 'node:http'
import { Problem } from '../../base/problem.ts'
import type { RequestContext } from '../request/request-context.ts'
import { problemReply } from '../response/problem-reply.ts'
import type { Reply } from '../response/reply.ts'

/** More than any honest browser sends, unless another app on this host has filled its cookie jar. */
const MAX_HEADER_BYTES = 16 * 1024

/**
 * Node's parser reads larger headers than are accepted, so that a browser with too many cookies, which sends them with
 * every request, gets a page that says what to do.
 */
export function limitHeaders(ctx: RequestContext): Reply | undefined {
  if (ctx.incoming === null || bytesOf(ctx.incoming) <= MAX_HEADER_BYTES) return undefined
  return problemReply(ctx, new Problem('headers_too_large'), ctx.upgrade ? [] : ['Connection', 'close'])
}

/** What the parser counts: the target, and the names and values, which Node decodes byte by byte. */
function bytesOf({ url, rawHeaders }: IncomingMessage): number {
  let bytes = url?.length ?? 0
  for (const text of rawHeaders) bytes += text.length
  return bytes
}
