import type { ServerResponse } from 'node:http'
import { type BrotliCompress, constants, type Gzip } from 'node:zlib'
import type { RequestContext, PageCompression } from '../request/request-context.ts'
import { compressor } from './compressor.ts'
import { chooseCoding, CODINGS } from './negotiation.ts'

/** A page smaller than this fits into one packet either way. */
const LEAST_BYTES = 1024

/**
 * Whether compressing a page is safe from size oracles (decision 017): either it contains no personal data, or it was
 * not requested by another site, which could put guesses into its URL repeatedly.
 */
function mayCompress({ caller, headers }: Pick<RequestContext, 'caller' | 'headers'>): boolean {
  if (caller === null || (caller.signedIn === null && caller.form === null)) return true
  const from = headers['sec-fetch-site']
  return from === 'same-origin' || from === 'none'
}

/**
 * Inserts a compressor between the site and its response. Whether it is used is decided when the headers are sent,
 * which happens no later than without it, so that pending cookies are still included.
 */
export function compressPage(ctx: RequestContext, outgoing: ServerResponse): PageCompression {
  const write = outgoing.write.bind(outgoing) as Write
  const end = outgoing.end.bind(outgoing) as End
  let coding = mayCompress(ctx) ? chooseCoding(ctx.headers['accept-encoding'], CODINGS) : null
  let encoder: BrotliCompress | Gzip | null = null
  let encoding = false
  let ended = false

  const shouldCompress = (status: number, valueOf: (name: string) => string | undefined) =>
    coding !== null &&
    ctx.compression !== null &&
    isHtml(valueOf('content-type')) &&
    valueOf('content-encoding') === undefined &&
    hasBody(status)

  function started(): BrotliCompress | Gzip {
    return (encoder ??= connect(compressor(coding ?? 'gzip'), outgoing, write, end))
  }

  outgoing.write = ((chunk, charset, done) => {
    if (ended) return false
    if (!outgoing.headersSent) outgoing.writeHead(outgoing.statusCode)
    // writeHead has sent an error response instead.
    if (outgoing.writableEnded) return true
    if (!encoding) return write(chunk, charset, done)
    const room = started().write(chunk, charset as BufferEncoding, done)
    // Flushes what the site has rendered so far, so that it is displayed at once.
    started().flush(coding === 'br' ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH)
    return room
  }) as Write as ServerResponse['write']

  outgoing.end = ((...args) => {
    const [chunk, charset, done] = endArguments(args)
    if (ended) return outgoing
    if (!outgoing.headersSent) {
      if (ctx.method !== 'HEAD' && sizeOf(chunk) < LEAST_BYTES) coding = null
      // Otherwise Node would announce the uncompressed length.
      if (shouldCompress(outgoing.statusCode, name => textOf(outgoing.getHeader(name))))
        outgoing.writeHead(outgoing.statusCode)
      if (outgoing.writableEnded) return outgoing
    }
    if (!encoding) return end(chunk, charset, done)
    if (ctx.method === 'HEAD') return end(undefined, undefined, done)
    ended = true
    if (done !== undefined) outgoing.once('finish', done)
    started().end(chunk, charset as BufferEncoding)
    return outgoing
  }) as End as ServerResponse['end']

  return {
    begin(status, headers) {
      const valueOf = (name: string) => headers[placeOf(headers, name) + 1]
      if (status !== 304 && !isHtml(valueOf('content-type'))) return
      addVary(headers)
      encoding = shouldCompress(status, valueOf)
      if (!encoding || coding === null) return
      for (const name of ['content-length', 'accept-ranges']) remove(headers, name)
      // Different codings are different representations, which a strong validator has to distinguish (RFC 9110
      // §8.8.3.3).
      const etag = placeOf(headers, 'etag')
      if (headers[etag + 1]?.startsWith('"')) headers[etag + 1] = `W/${headers[etag + 1]}`
      headers.push('Content-Encoding', coding)
    },
  }
}

type Done = () => void
type Write = (chunk: unknown, charset?: unknown, done?: Done) => boolean
type End = (...args: unknown[]) => ServerResponse

/** Connects the encoder to the response, with backpressure, so that each is destroyed with the other. */
function connect<Encoder extends BrotliCompress | Gzip>(
  encoder: Encoder,
  outgoing: ServerResponse,
  write: Write,
  end: End,
): Encoder {
  encoder.on('data', (bytes: Buffer) => {
    if (!write(bytes)) encoder.pause()
  })
  outgoing.on('drain', () => {
    if (!outgoing.writableNeedDrain) encoder.resume()
  })
  // The site waits for the response's own drain event.
  encoder.on('drain', () => outgoing.emit('drain'))
  encoder.on('end', () => end())
  encoder.on('error', () => outgoing.destroy())
  outgoing.on('close', () => encoder.destroy())
  return encoder
}

function endArguments(args: unknown[]): [chunk: unknown, charset: unknown, done: Done | undefined] {
  const done = args.find(arg => typeof arg === 'function') as Done | undefined
  const [chunk, charset] = args.filter(arg => typeof arg !== 'function')
  return [chunk, charset, done]
}

function sizeOf(chunk: unknown): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.byteLength : 0
}

function isHtml(type: string | undefined): boolean {
  return type !== undefined && /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)/i.test(type)
}

/** Partial and empty responses are not compressed. */
function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 206 && status !== 304
}

function textOf(value: number | string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

/** @returns -2 if absent, so that the value's index -1 is undefined as well */
function placeOf(headers: readonly string[], name: string): number {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === name) return i
  }
  return -2
}

function remove(headers: string[], name: string): void {
  for (let i = placeOf(headers, name); i >= 0; i = placeOf(headers, name)) headers.splice(i, 2)
}

function addVary(headers: string[]): void {
  const at = placeOf(headers, 'vary')
  if (at < 0) headers.push('Vary', 'Accept-Encoding')
  else if (!/(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)/i.test(headers[at + 1] ?? ''))
    headers[at + 1] += ', Accept-Encoding'
}
