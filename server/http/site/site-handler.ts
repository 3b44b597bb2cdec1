import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { newNonce } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { decoded } from '../../contract/cookies.ts'
import { type KeptForm, SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '../../contract/site-context.ts'
import { cookieNameOf } from '../../relay/cookie-name.ts'
import { isIdentityHeader } from '../../relay/identity-headers.ts'
import { clearCookie, cookieName } from '../../session/cookies.ts'
import type { DevBridge } from './dev-bridge.ts'
import { compressPage } from '../response/page-compression.ts'
import type { RequestContext } from '../request/request-context.ts'
import { isOwnCookie } from '../request/own-cookies.ts'
import { isPrefetch } from '../request/prefetch.ts'
import { loggedPath } from '../request/request-log.ts'
import { failedPage } from './site-failure.ts'
import { devPagePolicy, pagePolicy } from '../response/security-headers.ts'
import { sessionAnswer } from '../response/session-body.ts'

/** What the built site exports, and what its dev server has too. */
export type SiteListener = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown

interface Deps {
  log: Log
  /** Resolves to the same listener each time. */
  listener: () => Promise<SiteListener>
  /** Calls a route of ours as the page's caller does. */
  internalFetch: (page: RequestContext, path: string, init?: RequestInit) => Promise<Response>
  openForm: (sealed: string) => Promise<KeptForm | null>
  secureCookies: boolean
  /** Whether our pages are all that people see. */
  ownPages: boolean
  /** Prefixes of what is answered or relayed here; every other path is the site's own. */
  answered: readonly string[]
  /** null: the built site, which renders in this process. */
  development: DevBridge | null
}

const CONTEXT = Symbol.for(SITE_CONTEXT)
const STORAGE = Symbol.for(SITE_CONTEXT_STORAGE)

/** Hands a request to the site, with all that it may know about it and nothing else. */
export function siteMount({
  log,
  listener,
  internalFetch,
  openForm,
  secureCookies,
  ownPages,
  answered,
  development,
}: Deps) {
  const storage = new AsyncLocalStorage<SiteContext>()
  // The site's bundle looks for it here; only the error page's second rendering needs it.
  Object.assign(globalThis, { [STORAGE]: storage })
  const form = cookieName('form', secureCookies)

  async function keptForm(ctx: RequestContext): Promise<KeptForm | null> {
    const sealed = ctx.caller?.form ?? null
    // Who only asks for the headers, or ahead of the person, shows nothing to anybody, so what was kept stays for who
    // does.
    if (sealed === null || ctx.method === 'HEAD' || isPrefetch(ctx.headers)) return null
    const kept = await openForm(sealed)
    if (kept === null || kept.page.split('#', 1)[0] !== ctx.path) return null
    ctx.answer.cookie(clearCookie(form, { secure: secureCookies }))
    return kept
  }

  return async (ctx: RequestContext, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const nonce = newNonce()
    ctx.contentSecurityPolicy = development === null ? pagePolicy(nonce) : devPagePolicy(nonce)
    if (development === null) ctx.compression = compressPage(ctx, outgoing)
    const context: SiteContext = {
      session: ctx.caller ? sessionAnswer(ctx.caller) : { user: null, session: null },
      nonce,
      ownPages,
      answered,
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
    Object.assign(incoming, { [CONTEXT]: context })
    development?.carry(ctx, incoming, outgoing, context)
    const handle = await listener()
    await storage.run(context, () => handle(incoming, outgoing))
  }
}

/** The page whose code is running, for what it left to happen later and nobody waits for. */
export function runningPage(): SiteContext | null {
  return (globalThis as { [STORAGE]?: AsyncLocalStorage<SiteContext> })[STORAGE]?.getStore() ?? null
}

function preference(setCookie: string): string {
  if (isOwnCookie(cookieNameOf(setCookie))) throw new Error("the site may not set the server's own cookies")
  return setCookie
}

/** Headers by which a client could tell the site's code something about itself that only we may say. */
const HIDDEN = /^(?:authorization|proxy-authorization|x-nuxt-.*|x-nitro-.*)$/

/**
 * Takes from a request what the site's code must not see: tokens, and claims of proxies that nobody checked (ASVS
 * 4.1.3).
 */
function hideFromSite(incoming: IncomingMessage): void {
  const shown: IncomingHttpHeaders = {}
  const raw: string[] = []
  for (const [name, given] of Object.entries(incoming.headers)) {
    const value =
      name === 'cookie'
        ? cookiesForSite(String(given))
        : HIDDEN.test(name) || isIdentityHeader(name)
          ? undefined
          : given
    if (value === undefined) continue
    shown[name] = value
    raw.push(name, String(value))
  }
  incoming.headers = shown
  incoming.rawHeaders = raw
}

/**
 * Our own cookies are ours to read, and one that cannot be decoded is none: pages, and what they are made with, decode
 * them all.
 */
function cookiesForSite(header: string): string | undefined {
  const cookies = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => !isOwnCookie(cookieNameOf(pair)) && decoded(pair) !== null)
  return cookies.length === 0 ? undefined : cookies.join('; ')
}
