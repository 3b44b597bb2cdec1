/** An answer that is complete before anything is sent. Security headers and cookies are not in it: the writer adds them. */
export interface Reply {
  status: number
  /** Names and values in turn, as Node's writeHead takes them. */
  headers: readonly string[]
  body: string | Uint8Array | null
}

/** The same as a fetch Response, for Hono and for calls inside the process. */
export function toResponse(reply: Reply): Response {
  const headers = new Headers()
  for (let i = 0; i + 1 < reply.headers.length; i += 2) headers.append(reply.headers[i] ?? '', reply.headers[i + 1] ?? '')
  return new Response(reply.body as string | Uint8Array<ArrayBuffer> | null, { status: reply.status, headers })
}
