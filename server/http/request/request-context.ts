import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { SteadyMs } from '../../base/clock.ts'
import type { Client, IssuedCookies } from '../../session/types.ts'
import type { ResponseCookies, Caller } from './caller.ts'
import type { Match } from '../../relay/route-matcher.ts'
import { type Family, familyOf } from './path-family.ts'

/**
 * One request on its way: what every step and the writer of the answer know about it. A call from a page that is
 * rendering is a request too, with the page's as its `parent`.
 */
export class RequestContext {
  readonly id: string
  readonly method: string
  /** The raw target up to `?`: routes are chosen and forwarded from these same bytes. */
  readonly path: string
  /** From `?` on, or empty. Not logged. */
  readonly search: string
  readonly headers: IncomingHttpHeaders
  readonly family: Family
  /** The upstream that this path belongs to. */
  readonly match: Match | null
  readonly startedAt: SteadyMs
  readonly parent: RequestContext | null
  readonly incoming: IncomingMessage | null
  /** Read at once: a socket that is gone does not know any more whom it belonged to. */
  readonly remoteAddress: string | undefined
  readonly answer: PendingResponse
  caller: Caller | null = null
  /** Set while the client waits to be told that its body may come (RFC 9110 §10.1.1). */
  inviteBody: (() => void) | null = null
  /** A page's own policy, with its nonce; null: the strict one that suits everything else. */
  contentSecurityPolicy: string | null = null
  /** Of a page that is being rendered; null: what is sent is nobody's to compress. */
  compression: PageCompression | null = null
  #client: Client | null = null
  readonly #network: (ctx: RequestContext) => string

  constructor(input: RequestContextInput) {
    const { target, parent } = input
    this.id = input.id
    this.method = input.method
    const query = target.indexOf('?')
    this.path = query === -1 ? target : target.slice(0, query)
    this.search = query === -1 ? '' : target.slice(query)
    this.headers = input.headers
    this.match = input.match(this.path)
    // Only a front end has no prefix: it takes what nobody else does.
    this.family = this.match === null ? familyOf(this.path) : this.match.upstream.prefix === '' ? 'front' : 'api'
    this.startedAt = input.startedAt
    this.incoming = input.incoming
    this.remoteAddress = input.incoming?.socket.remoteAddress
    this.parent = parent
    this.answer = parent === null ? new PendingResponse() : parent.answer
    this.#network = input.network
  }

  /** To be called before the body is read: by the step that reads it, else at the end of the way. */
  askForBody(): void {
    this.inviteBody?.()
    this.inviteBody = null
  }

  get hasBody(): boolean {
    return announcesBody(this.headers)
  }

  get safe(): boolean {
    return this.method === 'GET' || this.method === 'HEAD' || this.method === 'OPTIONS'
  }

  get upgrade(): boolean {
    return this.headers.upgrade?.toLowerCase() === 'websocket'
  }

  /** Whether a person waits for a page, rather than a script for data: such an error is told in HTML. */
  get navigation(): boolean {
    const mode = this.headers['sec-fetch-mode']
    if (mode !== undefined) return mode === 'navigate'
    return this.headers.accept?.includes('text/html') ?? false
  }

  get client(): Client {
    this.#client ??= this.parent?.client ?? {
      userAgent: this.headers['user-agent'] ?? '',
      network: this.#network(this),
    }
    return this.#client
  }

  /** Every Host header there was: Node keeps the first and drops the rest. */
  hosts(): string[] {
    const raw = this.incoming?.rawHeaders ?? []
    const hosts: string[] = []
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === 'host') hosts.push(raw[i + 1] ?? '')
    }
    return hosts
  }
}

/** Whether a body follows the headers (RFC 9112 §6.3). */
export function announcesBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** What the writer of headers asks before a page's leave. */
export interface PageCompression {
  /**
   * Adds what they say of the coding.
   * @param headers names and values in turn; changed in place
   */
  begin(status: number, headers: string[]): void
}

interface RequestContextInput {
  id: string
  method: string
  target: string
  headers: IncomingHttpHeaders
  startedAt: SteadyMs
  parent: RequestContext | null
  incoming: IncomingMessage | null
  network: (ctx: RequestContext) => string
  match: (path: string) => Match | null
}

/** What an answer is to do to the cookie jar, until its headers leave. */
export class PendingResponse implements ResponseCookies {
  granted: IssuedCookies | null = null
  clearing = false
  cookies: string[] | null = null

  get untouched(): boolean {
    return this.granted === null && !this.clearing && this.cookies === null
  }

  grant(grant: IssuedCookies): void {
    this.granted = grant
    this.clearing = false
  }

  clear(): void {
    this.granted = null
    this.clearing = true
  }

  cookie(value: string): void {
    ;(this.cookies ??= []).push(value)
  }
}
