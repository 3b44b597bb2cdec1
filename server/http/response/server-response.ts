import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Log } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import { isEventStream } from '../../relay/event-stream.ts'
import type { Sessions } from '../../session/types.ts'
import type { RequestContext } from '../request/request-context.ts'
import { setCookies } from './set-cookies.ts'
import { isOwnCookie } from '../request/own-cookies.ts'
import { problemReply } from './problem-reply.ts'
import { lastHeaders, textOf } from './raw-response.ts'
import type { Reply } from './reply.ts'
import { DEFAULT_POLICY, DEFAULT_REFERRER_POLICY, type SecurityHeaders } from './security-headers.ts'

interface Deps {
  log: Log
  sessions: Pick<Sessions, 'cookiesFor' | 'clearing'>
  security: SecurityHeaders
  /** While true, every response asks to close its connection. */
  draining: () => boolean
}

type AnyHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[]

const NO_STORE = 'private, no-store'
const NONE: readonly string[] = []

/** Headers that only we set or that must not be sent: they are dropped from what routes, pages and upstreams set. */
const DROPPED = new Set([
  'x-content-type-options',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
  'strict-transport-security',
  'x-request-id',
  'x-powered-by',
  'server',
])

type WriteHead = ServerResponse['writeHead']

export interface PorchlightResponse extends ServerResponse<IncomingMessage> {
  ctx: RequestContext | null
  /** What a middleware put in place of `writeHead` before the response was ours; null: nothing. */
  theirWriteHead: WriteHead | null
}

export type PorchlightResponseClass = typeof ServerResponse<IncomingMessage> &
  (new (incoming: IncomingMessage) => PorchlightResponse)

/**
 * The class of every response. Node calls `writeHead` for all of them, including Hono's, Nuxt's and its own, just
 * before the headers are sent, so this one place adds security headers and cookies.
 */
export function porchlightResponse({ log, sessions, security, draining }: Deps): PorchlightResponseClass {
  class Response extends ServerResponse<IncomingMessage> implements PorchlightResponse {
    ctx: RequestContext | null = null
    theirWriteHead: WriteHead | null = null

    override writeHead(status: number, ...rest: unknown[]): this {
      const last = rest[rest.length - 1]
      const passed = typeof last === 'object' && last !== null ? (last as AnyHeaders) : null
      if (status < 200) return super.writeHead(status, passed ?? {})
      const headers = compose(this, status, passed)
      try {
        if (this.theirWriteHead === null) return super.writeHead(status, headers)
        setEach(this, headers)
        return this.theirWriteHead(status) as this
      } catch (error) {
        const { reply, body } = failure(this, error)
        for (const name of this.getHeaderNames()) this.removeHeader(name)
        super.writeHead(reply.status, lastHeaders(reply, body, this.ctx?.id ?? '', security))
        super.end(body)
        // The code that writes the body is unaware of this, and must not wait for a drain that never comes.
        this.write = () => true
        this.end = () => this
        return this
      }
    }
  }

  /** A flat list, which is the form that Node writes fastest. */
  function compose(response: PorchlightResponse, status: number, passed: AnyHeaders | null): string[] {
    const { ctx } = response
    const ofSite = ctx?.ofSite === true
    const headers = (ofSite ? security.ofSite : security.fixed).slice()
    const others: string[] = []
    let cacheControl: string | null = null
    let policy: string | null = null
    let referrerPolicy = DEFAULT_REFERRER_POLICY
    let unbuffered = false
    let isHtml = false

    const all = asList(withHeadersSetBefore(response, passed))
    for (let i = 0; i + 1 < all.length; i += 2) {
      const name = String(all[i])
      const value = all[i + 1]
      if (value === undefined) continue
      const lower = name.toLowerCase()
      if (lower === 'set-cookie') others.push(...(Array.isArray(value) ? value : [String(value)]))
      else if (lower === 'cache-control') cacheControl = String(value)
      else if (lower === 'content-security-policy') policy = String(value)
      else if (lower === 'referrer-policy') referrerPolicy = String(value)
      else if (lower === 'x-accel-buffering') unbuffered ||= value === 'no'
      else if (!DROPPED.has(lower) && !(ofSite && security.setForSite.has(lower))) {
        if (lower === 'content-type') {
          unbuffered ||= isEventStream(String(value))
          isHtml = /html/i.test(String(value))
        }
        if (Array.isArray(value)) for (const item of value) headers.push(name, item)
        else headers.push(name, String(value))
      }
    }

    headers.push('Content-Security-Policy', ctx?.contentSecurityPolicy ?? policy ?? DEFAULT_POLICY)
    if (!(ofSite && security.setForSite.has('referrer-policy'))) headers.push('Referrer-Policy', referrerPolicy)
    // Otherwise nginx buffers events.
    if (unbuffered) headers.push('X-Accel-Buffering', 'no')
    if (ctx !== null) headers.push('X-Request-Id', ctx.id)
    // A 304 updates stored responses in caches, so it must not carry cookies.
    const cookies =
      ctx === null || status === 304 || (ctx.answer.untouched && others.length === 0)
        ? NONE
        : setCookies(sessions, ctx.answer, others, isOwnCookie)
    for (const cookie of cookies) headers.push('Set-Cookie', cookie)
    const isOwn = ctx !== null && ctx.family !== 'api' && ctx.family !== 'front'
    const isPage = ctx?.family === 'site' || (ctx?.family === 'app' && isHtml)
    // Pages contain the user, and errors the current state, so they are not stored whatever the site's code says
    // (HD-10).
    const mustNotStore = isOwn && (status >= 400 || (ctx.contentSecurityPolicy !== null && isPage))
    headers.push('Cache-Control', mustNotStore || cookies.length > 0 ? NO_STORE : (cacheControl ?? NO_STORE))
    ctx?.compression?.begin(status, headers)
    if (draining()) headers.push('Connection', 'close')
    return headers
  }

  /** For a header value that HTTP cannot carry, which is a bug of its author: the client gets a plain 500. */
  function failure({ ctx }: PorchlightResponse, error: unknown): { reply: Reply; body: string } {
    log.error({ event: 'header_unsendable', error, requestId: ctx?.id }, 'response had a header that cannot be sent')
    const problem = new Problem('internal')
    const reply = ctx === null ? { status: problem.status, headers: [], body: null } : problemReply(ctx, problem)
    return { reply, body: textOf(reply) }
  }

  return Response
}

/** Merges headers set one by one, as Nuxt does; those passed to writeHead win, as in Node. */
function withHeadersSetBefore(response: ServerResponse, passed: AnyHeaders | null): AnyHeaders | null {
  const names = response.getHeaderNames()
  if (names.length === 0) return passed
  const all: OutgoingHttpHeaders = {}
  for (const name of names) {
    all[name] = response.getHeader(name)
    response.removeHeader(name)
  }
  if (passed === null || !Array.isArray(passed)) {
    for (const name in passed) all[name.toLowerCase()] = passed[name]
  } else {
    for (let i = 0; i + 1 < passed.length; i += 2) all[String(passed[i]).toLowerCase()] = passed[i + 1]
  }
  return all
}

/** Converts any form of writeHead's headers to alternating names and values. */
function asList(headers: AnyHeaders | null): readonly (OutgoingHttpHeader | undefined)[] {
  if (headers === null) return NONE
  if (Array.isArray(headers)) return headers
  const list: (OutgoingHttpHeader | undefined)[] = []
  for (const name in headers) list.push(name, headers[name])
  return list
}

/**
 * Sets headers one by one, so that a middleware's hook finds them: such hooks do not understand all forms of
 * writeHead's.
 */
function setEach(response: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i + 1 < headers.length; i += 2) response.appendHeader(headers[i] ?? '', headers[i + 1] ?? '')
}

/**
 * Turns the response of somebody else's server into one of ours, in place, as Express does with its own.
 * @throws TypeError for a response of HTTP/2, which is no `ServerResponse`
 */
export function adoptResponse(outgoing: ServerResponse, Ours: PorchlightResponseClass): PorchlightResponse {
  if (!(outgoing instanceof ServerResponse))
    throw new TypeError('Porchlight handles the requests of node:http and node:https servers only')
  // A hook for the moment before the headers are sent, of a logger for example, would hide ours, which adds cookies.
  const theirWriteHead = Object.hasOwn(outgoing, 'writeHead') ? outgoing.writeHead : null
  Reflect.deleteProperty(outgoing, 'writeHead')
  // What an application allows other origins is meant for its own routes.
  for (const name of outgoing.getHeaderNames()) if (name.startsWith('access-control-')) outgoing.removeHeader(name)
  Object.setPrototypeOf(outgoing, Ours.prototype)
  return Object.assign(outgoing as PorchlightResponse, { ctx: null, theirWriteHead })
}
