import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { newNonce } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import { decoded } from '../../contract/readable-cookies.ts'
import { type KeptForm, SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '../../contract/site-context.ts'
import { cookieNameOf } from '../../relay/cookie-name.ts'
import { isIdentityHeader } from '../../relay/identity-headers.ts'
import { clearCookie, cookieName } from '../../session/cookie-names.ts'
import { traceHeaders } from '../../ops/tracing/span.ts'
import type { DevBridge } from './dev-bridge.ts'
import { compressPage } from '../response/page-compression.ts'
import type { RequestContext } from '../request/request-context.ts'
import { isOwnCookie } from '../request/own-cookies.ts'
import type { ReturnPaths } from '../request/return-paths.ts'
import { isPrefetch } from '../request/prefetch.ts'
import { loggedPath } from '../request/request-log.ts'
import { failedPage } from './site-failure.ts'
import type { InlineSources } from '../response/page-policy.ts'
import { sessionAnswer } from '../response/session-body.ts'

/** What the built site exports, and its dev server as well. */
export type SiteListener = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown

interface Deps {
  log: Log
  /** Always resolves to the same listener. */
  listener: () => Promise<SiteListener>
  /** Calls one of our routes as the page's caller. */
  internalFetch: (page: RequestContext, path: string, init?: RequestInit) => Promise<Response>
  openForm: (sealed: string) => Promise<KeptForm | null>
  returnPaths: Pick<ReturnPaths, 'documentsIn'>
  secureCookies: boolean
  /** Whether our pages are the only ones. */
  ownPages: boolean
  /** Whether these are the site's pages, to which its settings apply, and not ours beside somebody else's. */
  isSite: boolean
  policy: (inline: InlineSources) => string
  /** See `SiteContext`. */
  sharedNonce: string | null
  /** Whether the demo's pages are available. */
  demo: boolean
  brand: SiteBrand
  /** Prefixes of what is answered or relayed here; every other path belongs to the site. */
  answered: readonly string[]
  /** null: the built site, which renders in this process. */
  development: DevBridge | null
}

const CONTEXT = Symbol.for(SITE_CONTEXT)
const STORAGE = Symbol.for(SITE_CONTEXT_STORAGE)

/** Passes a request to the site, with exactly what the site may know about it. */
export function siteMount({
  log,
  listener,
  internalFetch,
  openForm,
  returnPaths,
  secureCookies,
  ownPages,
  isSite,
  policy,
  sharedNonce,
  demo,
  brand,
  answered,
  development,
}: Deps) {
  const storage = contextStorage()
  const form = cookieName('form', secureCookies)

  async function keptForm(ctx: RequestContext): Promise<KeptForm | null> {
    const sealed = ctx.caller?.form ?? null
    // HEAD and prefetches display nothing, so the form is kept for the request that does.
    if (sealed === null || ctx.method === 'HEAD' || isPrefetch(ctx.headers)) return null
    const kept = await openForm(sealed)
    if (kept === null || kept.page.split('#', 1)[0] !== ctx.path) return null
    ctx.answer.cookie(clearCookie(form, { secure: secureCookies }))
    return kept
  }

  return async (ctx: RequestContext, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const nonce = newNonce()
    const trusted = `'nonce-${nonce}'`
    const pagePolicy = policy({ scripts: trusted, styles: trusted, handlers: '' })
    const toolPolicy = development?.toolPolicy ?? null
    if (toolPolicy === null) ctx.contentSecurityPolicy = pagePolicy
    else outgoing.setHeader('Content-Security-Policy', toolPolicy)
    ctx.ofSite = isSite
    if (development === null) ctx.compression = compressPage(ctx, outgoing)
    if (sharedNonce !== null) replaceNonce(outgoing, sharedNonce, nonce)
    const context: SiteContext = {
      session: ctx.caller ? sessionAnswer(ctx.caller) : { user: null, session: null },
      nonce,
      sharedNonce,
      policy: toolPolicy === null ? null : pagePolicy,
      ownPages,
      demo,
      brand,
      answered,
      documents: returnPaths.documentsIn(ctx.search),
      form: await keptForm(ctx),
      fetch: (path, init) => internalFetch(ctx, path, init),
      setCookie: value => ctx.answer.cookie(preference(value)),
      report: error =>
        log.error(
          { event: 'page_failed', error, requestId: ctx.id, path: loggedPath(ctx.path) },
          'failed to render a page',
        ),
      fail: failure => failedPage(ctx, failure),
    }
    hideFromSite(incoming)
    if (ctx.span !== null) continueTrace(incoming, traceHeaders(ctx.span, 'upstream'))
    Object.assign(incoming, { [CONTEXT]: context })
    development?.carry(ctx, incoming, outgoing, context)
    const handle = await listener()
    await storage.run(context, () => handle(incoming, outgoing))
  }
}

/** In a page that is kept for everybody, which is sent whole. */
function replaceNonce(outgoing: ServerResponse, shared: string, nonce: string): void {
  const end = outgoing.end.bind(outgoing) as (...args: unknown[]) => ServerResponse
  outgoing.end = ((chunk: unknown, ...rest: unknown[]) =>
    end(typeof chunk === 'string' ? chunk.replaceAll(shared, nonce) : chunk, ...rest)) as ServerResponse['end']
}

/** Bundles look it up on globalThis. One for our pages and an application's, which render in the same process. */
function contextStorage(): AsyncLocalStorage<SiteContext> {
  const shared = globalThis as { [STORAGE]?: AsyncLocalStorage<SiteContext> }
  return (shared[STORAGE] ??= new AsyncLocalStorage())
}

/** The page whose code is running, including what it left to run later without awaiting. */
export function runningPage(): SiteContext | null {
  return contextStorage().getStore() ?? null
}

function preference(setCookie: string): string {
  if (isOwnCookie(cookieNameOf(setCookie))) throw new Error("the site may not set the server's own cookies")
  return setCookie
}

/** Headers that a client must not pass to the site's code, because only we may set them or they are secret. */
const HIDDEN = /^(?:authorization|proxy-authorization|x-nuxt-.*|x-nitro-.*)$/

/** The same for sockets that an application takes itself. */
export function hidingFromSite<Rest extends unknown[]>(
  upgrade: (incoming: IncomingMessage, ...rest: Rest) => unknown,
): (incoming: IncomingMessage, ...rest: Rest) => unknown {
  return (incoming, ...rest) => {
    hideFromSite(incoming)
    return upgrade(incoming, ...rest)
  }
}

/** Removes what the site's code must not see: tokens, and unverified claims of proxies (ASVS 4.1.3). */
function hideFromSite(incoming: IncomingMessage): void {
  const visible: IncomingHttpHeaders = {}
  const raw: string[] = []
  for (const [name, given] of Object.entries(incoming.headers)) {
    const value =
      name === 'cookie'
        ? cookiesForSite(String(given))
        : HIDDEN.test(name) || isIdentityHeader(name)
          ? undefined
          : given
    if (value === undefined) continue
    visible[name] = value
    raw.push(name, String(value))
  }
  incoming.headers = visible
  incoming.rawHeaders = raw
}

/** The site's code continues our trace, and not the one that a client names. */
function continueTrace(incoming: IncomingMessage, headers: readonly string[]): void {
  delete incoming.headers['tracestate']
  for (let i = 0; i + 1 < headers.length; i += 2) incoming.headers[headers[i] ?? ''] = headers[i + 1]
}

/** Drops our own cookies, and ones that cannot be decoded, because the site and its libraries decode all of them. */
function cookiesForSite(header: string): string | undefined {
  const cookies = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => !isOwnCookie(cookieNameOf(pair)) && decoded(pair) !== null)
  return cookies.length === 0 ? undefined : cookies.join('; ')
}
