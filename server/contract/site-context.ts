import type { SiteBrand } from './brand.ts'
import type { ProblemBody } from './problem-codes.ts'
import type { SessionAnswer } from './wire.ts'

/** The key under which the incoming request carries the page's context: `req[Symbol.for(SITE_CONTEXT)]`. */
export const SITE_CONTEXT = 'porchlight'

/**
 * The globalThis key of the AsyncLocalStorage with the same context, under `Symbol.for(…)`. Only for the error page,
 * whose re-render is a new request without the old one's context.
 */
export const SITE_CONTEXT_STORAGE = 'porchlight.storage'

/** What a server-rendered page knows beyond its URL. All of it belongs to one request: never store it. */
export interface SiteContext {
  /** The same as `GET /auth/session` would answer now. */
  session: SessionAnswer
  /** The nonce that every script and style tag of this response must carry (HD-1). */
  nonce: string
  /**
   * Stands for the nonce in pages that are kept for everybody: the server puts each response's own in its place. Null
   * where no page is kept.
   */
  sharedNonce: string | null
  /**
   * The policy that a rendered page sets by itself, in an application's development: what its tools answer has another.
   * Null: the server sets it.
   */
  policy: string | null
  /** False if another front end replaces every page that is not reserved, including `/`. */
  ownPages: boolean
  /** Whether the demo's pages are available. */
  demo: boolean
  brand: SiteBrand
  /**
   * Prefixes that the server answers or relays, such as `/auth`: calls below them use `fetch`, all others stay within
   * the site.
   */
  answered: readonly string[]
  /**
   * The prefixes below `/api` that this page's `returnTo` may lead to, because their responses are pages; others are
   * not disclosed.
   */
  documents: readonly string[]
  /** What a form that failed without JavaScript should show again. */
  form: KeptForm | null
  /**
   * Calls what the server answers or relays (`/auth/…`, `/api/…`) in-process, on behalf of the page's request. The
   * session is already resolved; the same rules and limits apply as to a call from the browser. A page requested with a
   * safe method may only make safe calls.
   */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Adds a Set-Cookie value to the page's response, for preferences only: names of our own cookies are refused. */
  setCookie(value: string): void
  /** Logs an error that occurred while rendering the page, with the request's id. */
  report(error: unknown): void
  /** The response when a page failed and either its error page cannot be rendered or a script requested it. */
  fail(failure: SiteFailure): FailedPage
}

/** @property data extra fields that a server route of the site adds for its own scripts */
export interface SiteFailure {
  status: number
  data?: unknown
}

/** @property headers alternating names and values */
export interface FailedPage {
  status: number
  headers: readonly string[]
  body: string
}

/**
 * A failed form post: kept for a minute in a sealed cookie, so that its fields do not appear in a URL. Never contains a
 * password.
 */
export interface KeptForm {
  /** The page with the form, e.g. `/sign-in`; if it has several, followed by `#` and the form's name. */
  page: string
  problem: ProblemBody
  fields: Record<string, string>
}

// ---- Development only: pages render in a worker, to which the context cannot be passed as an object.

/**
 * The request header that carries the context to the worker; a client's header of this name is dropped. On a call back
 * from the worker it carries only `key` and identifies the session of the page's request.
 */
export const DEV_CONTEXT_HEADER = 'x-porchlight-dev'

/**
 * The environment variable with this process's random secret: the worker trusts the header only if it contains the
 * secret.
 */
export const DEV_SECRET_VARIABLE = 'PORCHLIGHT_DEV_SECRET'

/** What of the context is data: the worker makes the calls itself. */
export type DevContext = Omit<SiteContext, 'fetch' | 'setCookie' | 'report' | 'fail'> & {
  secret: string
  /** Identifies this request to the server while the page renders. */
  key: string
  /** The origin at which the server can be called back. */
  origin: string
}

/** Functions of the context stay behind: JSON has none. */
export function encodeDevContext(context: DevContext): string {
  return encodeURIComponent(JSON.stringify(context))
}

export function decodeDevContext(header: string): DevContext {
  return JSON.parse(decodeURIComponent(header)) as DevContext
}
