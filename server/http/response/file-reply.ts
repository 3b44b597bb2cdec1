import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { byteRange } from './byte-range.ts'
import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from './reply.ts'
import { compressor } from './compressor.ts'
import { type Coding, matchesEtag } from './negotiation.ts'

/** Files up to this size are read at once; larger ones are streamed. */
const WHOLE_BYTES = 256 * 1024

export interface FileForm {
  /** 404: the file says that there is nothing; conditions and ranges do not apply (RFC 9110 §13.2.1). */
  status: 200 | 404
  whole: boolean
  compress: Coding | null
}

/**
 * Serves an open file, a part of it, or a 304 (RFC 9110 §13–14). Takes ownership of the handle.
 * @param headers Content-Type, Cache-Control and any others
 * @param form `whole`: ignores ranges, which would be parts of the compressed file instead. `compress`: the coding to
 * compress with while sending
 */
export async function fileReply(
  ctx: RequestContext,
  file: FileHandle,
  headers: readonly string[],
  { status: found, whole: isWhole, compress }: FileForm,
): Promise<Reply> {
  const whole = isWhole || found !== 200
  let streaming = false
  try {
    const stat = await file.stat({ bigint: true })
    const size = Number(stat.size)
    const etag = `"${stat.mtimeNs.toString(36)}-${stat.size.toString(36)}${compress === null ? '' : `-${compress}`}"`
    const validators = ['ETag', etag, 'Last-Modified', modifiedOf(stat).toUTCString()]
    if (found === 200 && isFresh(ctx, etag, stat))
      return { status: 304, headers: [...validators, ...withoutContentHeaders(headers)], body: null }
    const common = [...validators, ...headers, ...(whole ? [] : ['Accept-Ranges', 'bytes'])]
    const range = whole || !mayRange(ctx, etag, stat) ? null : byteRange(ctx.headers.range, size)
    if (range === 'unsatisfiable') return { status: 416, headers: ['Content-Range', `bytes */${size}`], body: null }
    const { start, end } = range ?? { start: 0, end: size - 1 }
    const length = end - start + 1
    const status = range === null ? found : 206
    if (range !== null) common.push('Content-Range', `bytes ${start}-${end}/${size}`)
    if (compress !== null && ctx.method === 'HEAD') return { status, headers: common, body: null }
    if (ctx.method === 'HEAD') return { status, headers: [...common, 'Content-Length', String(length)], body: null }
    if (length > WHOLE_BYTES) {
      streaming = true
      if (compress !== null) return { status, headers: common, body: compressed(file.createReadStream(), compress) }
      return {
        status,
        headers: [...common, 'Content-Length', String(length)],
        body: file.createReadStream({ start, end }),
      }
    }
    const body = Buffer.alloc(length)
    const { bytesRead } = await file.read(body, 0, length, start)
    const read = body.subarray(0, bytesRead)
    return { status, headers: common, body: compress === null ? read : await buffer(compressor(compress).end(read)) }
  } finally {
    // A stream closes its file itself.
    if (!streaming) await file.close()
  }
}

/** pipeline destroys both ends together, so that a disconnected client leaves no open file. */
function compressed(file: Readable, coding: Coding): Readable {
  return pipeline(file, compressor(coding), () => {})
}

/** If-None-Match takes precedence if present (RFC 9110 §13.2.2). */
function isFresh({ headers }: RequestContext, etag: string, stat: BigIntStats): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) return matchesEtag(tags, etag)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return !Number.isNaN(since) && modifiedOf(stat).getTime() <= since
}

/** A range is only served if the client's other parts are of the same version (RFC 9110 §13.1.5). */
function mayRange({ headers, method }: RequestContext, etag: string, stat: BigIntStats): boolean {
  const condition = headers['if-range']
  if (headers.range === undefined || method !== 'GET') return false
  return condition === undefined || condition === etag || Date.parse(String(condition)) === modifiedOf(stat).getTime()
}

/** HTTP dates have whole seconds. */
function modifiedOf({ mtimeMs }: BigIntStats): Date {
  return new Date(Number(mtimeMs / 1000n) * 1000)
}

function withoutContentHeaders(headers: readonly string[]): string[] {
  const remaining: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (!headers[i]?.startsWith('Content-') || headers[i] === 'Content-Security-Policy')
      remaining.push(headers[i] ?? '', headers[i + 1] ?? '')
  }
  return remaining
}
