import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/**
 * An answer that is complete before anything is sent. Security headers and cookies are not in it: the writer adds them.
 */
export interface Reply {
  status: number
  /** Names and values in turn, as Node's writeHead takes them. */
  headers: readonly string[]
  /** A stream for what is too large to hold; then its Content-Length is among the headers. */
  body: string | Uint8Array | Readable | null
}

/** The same as a fetch Response, for Hono and for calls inside the process. */
export function toResponse(reply: Reply): Response {
  const headers = new Headers()
  for (let i = 0; i + 1 < reply.headers.length; i += 2)
    headers.append(reply.headers[i] ?? '', reply.headers[i + 1] ?? '')
  const body = reply.body instanceof Readable ? (Readable.toWeb(reply.body) as ReadableStream) : reply.body
  return new Response(body as ConstructorParameters<typeof Response>[0], { status: reply.status, headers })
}
