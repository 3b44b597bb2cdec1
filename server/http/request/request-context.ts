import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { SteadyMs } from '../../base/clock.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { Problem } from '../../base/problem.ts'
import type { Client, IssuedCookies } from '../../session/types.ts'
import type { ResponseCookies, Caller } from './caller.ts'
import type { Span } from '../../ops/tracing/span.ts'
import type { Match } from '../../relay/route-matcher.ts'
import type { Family } from './path-family.ts'

/**
 * The state of one request, shared by all steps and the response. A call from a rendering page is a request, too, with
 * the page's as its `parent`.
 */
export class RequestContext {
  readonly id: string
  readonly method: string
  /** The raw target up to `?`: matched and forwarded as these same bytes. */
  readonly path: string
  /** From `?` on, or empty. Not logged. */
  readonly search: string
  readonly headers: IncomingHttpHeaders
  readonly family: Family
  /** The upstream that the path belongs to. */
  readonly match: Match | null
  readonly startedAt: SteadyMs
  readonly parent: RequestContext | null
  readonly incoming: IncomingMessage | null
  /** Read immediately, because a closed socket no longer knows its peer. */
  readonly remoteAddress: string | undefined
  readonly answer: PendingResponse
  /** What an error's page shows of the site. */
  readonly brand: SiteBrand
  caller: Caller | null = null
  /** Set while the client waits for a 100 before sending its body (RFC 9110 §10.1.1). */
  inviteBody: (() => void) | null = null
  /** A page's own policy with its nonce; null: the strict default for everything else. */
  contentSecurityPolicy: string | null = null
  /** Whether the site itself answers, with headers that its operator chose. */
  ofSite = false
  /** The code of an error response; null: none so far. */
  problem: ProblemCode | null = null
  /** What the page of an error offers, or null if nothing would help. */
  wayOn: ((problem: Problem) => WayOn | null) | null = null
  /** Of a page that is being rendered; null: the response must not be compressed here. */
  compression: PageCompression | null = null
  /** Of its trace; null: it has none. */
  span: Span | null = null
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
    // Only a front end has an empty prefix: it takes the paths that nothing else does.
    this.family = this.match === null ? input.familyOf(this.path) : this.match.upstream.prefix === '' ? 'front' : 'api'
    this.startedAt = input.startedAt
    this.incoming = input.incoming
    this.remoteAddress = input.incoming?.socket.remoteAddress
    this.parent = parent
    this.brand = input.brand
    this.answer = parent === null ? new PendingResponse() : parent.answer
    this.#network = input.network
  }

  /** Called before reading the body: by the step that reads it, or else at the end of the pipeline. */
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

  /** Whether the browser loads a page, as opposed to a script requesting data: errors are then sent as HTML. */
  get navigation(): boolean {
    return isNavigation(this.headers)
  }

  get client(): Client {
    this.#client ??= this.parent?.client ?? {
      userAgent: this.headers['user-agent'] ?? '',
      network: this.#network(this),
    }
    return this.#client
  }

  /** All Host headers of the request: Node keeps the first and drops the others. */
  hosts(): string[] {
    const raw = this.incoming?.rawHeaders ?? []
    const hosts: string[] = []
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === 'host') hosts.push(raw[i + 1] ?? '')
    }
    return hosts
  }
}

export function isNavigation(headers: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  // Browsers send Sec-Fetch-Mode over https and to loopback only; jQuery asks for HTML as a link does.
  if (headers['x-requested-with'] !== undefined) return false
  return headers.accept?.includes('text/html') ?? false
}

/** Whether a body follows the headers (RFC 9112 §6.3). */
export function announcesBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** A link on the page of an error, to a page of ours. */
export interface WayOn {
  href: string
  label: 'sign_in' | 'confirm' | 'provider' | 'account'
  /** Added to the label: whose account it is. */
  note: string | null
  /**
   * `here`: in place of the error · `around`: in place of the page whose frame shows the error · `beside`: in another
   * tab, so that this one can send its form again.
   */
  place: 'here' | 'around' | 'beside'
}

/** Called by the response just before a page's headers are sent. */
export interface PageCompression {
  /**
   * Adds the headers of the content coding.
   * @param headers alternating names and values; modified in place
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
  brand: SiteBrand
  /** Of a path that no upstream has. */
  familyOf: (path: string) => Family
}

/** The response's pending cookie changes, until its headers are sent. */
export class PendingResponse implements ResponseCookies {
  issued: IssuedCookies | null = null
  clearing = false
  cookies: string[] | null = null

  get untouched(): boolean {
    return this.issued === null && !this.clearing && this.cookies === null
  }

  issue(issued: IssuedCookies): void {
    this.issued = issued
    this.clearing = false
  }

  clear(): void {
    this.issued = null
    this.clearing = true
  }

  cookie(value: string): void {
    ;(this.cookies ??= []).push(value)
  }
}
