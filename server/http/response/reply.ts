import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** A response that is complete before anything is sent. Security headers and cookies are added when it is written. */
export interface Reply {
  status: number
  /** Alternating names and values, as Node's writeHead accepts them. */
  headers: readonly string[]
  /** A stream if it is too large to buffer; Content-Length is then among the headers. */
  body: string | Uint8Array | Readable | null
}

/** Converts it to a fetch Response, for Hono and for in-process calls. */
export function toResponse(reply: Reply): Response {
  const headers = new Headers()
  for (let i = 0; i + 1 < reply.headers.length; i += 2)
    headers.append(reply.headers[i] ?? '', reply.headers[i + 1] ?? '')
  const body = reply.body instanceof Readable ? (Readable.toWeb(reply.body) as ReadableStream) : reply.body
  return new Response(body as ConstructorParameters<typeof Response>[0], { status: reply.status, headers })
}
