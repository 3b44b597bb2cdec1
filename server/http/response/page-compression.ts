import type { ServerResponse } from 'node:http'
import { type BrotliCompress, constants, type Gzip } from 'node:zlib'
import type { RequestContext, PageCompression } from '../request/request-context.ts'
import { compressor } from './compressor.ts'
import { chooseCoding, CODINGS } from './negotiation.ts'

/** A page this small leaves in one packet either way. */
const LEAST_BYTES = 1024

/**
 * Whether nobody can learn anything from how well a page compresses (decision 017): either it holds nothing of anybody,
 * or it was not asked for by a stranger's site, which could put guesses into its address again and again.
 */
function mayCompress({ caller, headers }: Pick<RequestContext, 'caller' | 'headers'>): boolean {
  if (caller === null || (caller.signedIn === null && caller.form === null)) return true
  const from = headers['sec-fetch-site']
  return from === 'same-origin' || from === 'none'
}

/**
 * Puts a compressor between the site and the response that it writes to. Whether it is used is seen when the headers
 * leave, which they do no later than without it: what was decided about cookies is then still so.
 */
export function compressPage(ctx: RequestContext, outgoing: ServerResponse): PageCompression {
  const write = outgoing.write.bind(outgoing) as Write
  const end = outgoing.end.bind(outgoing) as End
  let coding = mayCompress(ctx) ? chooseCoding(ctx.headers['accept-encoding'], CODINGS) : null
  let encoder: BrotliCompress | Gzip | null = null
  let encoding = false
  let ended = false

  const wanted = (status: number, valueOf: (name: string) => string | undefined) =>
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
    // The writer of headers has answered in its own words.
    if (outgoing.writableEnded) return true
    if (!encoding) return write(chunk, charset, done)
    const room = started().write(chunk, charset as BufferEncoding, done)
    // What the site has rendered so far is to be seen, not to wait for more.
    started().flush(coding === 'br' ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH)
    return room
  }) as Write as ServerResponse['write']

  outgoing.end = ((...given) => {
    const [chunk, charset, done] = endArguments(given)
    if (ended) return outgoing
    if (!outgoing.headersSent) {
      if (ctx.method !== 'HEAD' && sizeOf(chunk) < LEAST_BYTES) coding = null
      // Else Node would announce the length of what is not compressed.
      if (wanted(outgoing.statusCode, name => textOf(outgoing.getHeader(name)))) outgoing.writeHead(outgoing.statusCode)
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
      encoding = wanted(status, valueOf)
      if (!encoding || coding === null) return
      for (const name of ['content-length', 'accept-ranges']) remove(headers, name)
      // Two codings of a page are two representations, which a strong validator has to tell apart (RFC 9110 §8.8.3.3).
      const etag = placeOf(headers, 'etag')
      if (headers[etag + 1]?.startsWith('"')) headers[etag + 1] = `W/${headers[etag + 1]}`
      headers.push('Content-Encoding', coding)
    },
  }
}

type Done = () => void
type Write = (chunk: unknown, charset?: unknown, done?: Done) => boolean
type End = (...given: unknown[]) => ServerResponse

/** Lets the encoder's bytes go to the response, as fast as its reader takes them, and ends each with the other. */
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
  // Whoever writes waits for the response's own event.
  encoder.on('drain', () => outgoing.emit('drain'))
  encoder.on('end', () => end())
  encoder.on('error', () => outgoing.destroy())
  outgoing.on('close', () => encoder.destroy())
  return encoder
}

function endArguments(given: unknown[]): [chunk: unknown, charset: unknown, done: Done | undefined] {
  const done = given.find(one => typeof one === 'function') as Done | undefined
  const [chunk, charset] = given.filter(one => typeof one !== 'function')
  return [chunk, charset, done]
}

function sizeOf(chunk: unknown): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.byteLength : 0
}

function isHtml(type: string | undefined): boolean {
  return type !== undefined && /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)/i.test(type)
}

/** A part, or nothing, is sent as it is. */
function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 206 && status !== 304
}

function textOf(value: number | string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

/** @returns -2 where there is none, so that its value is at -1, where nothing is */
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
