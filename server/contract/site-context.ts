import type { ProblemBody } from './problem-codes.ts'
import type { SessionAnswer } from './wire.ts'

/** Where the context of a page rides on the incoming request: `req[Symbol.for(SITE_CONTEXT)]`. */
export const SITE_CONTEXT = 'porchlight'

/**
 * Where the AsyncLocalStorage with the same context hangs on globalThis, under `Symbol.for(…)`. Only for the error
 * page: its re-render is a new request that does not carry the old one's context.
 */
export const SITE_CONTEXT_STORAGE = 'porchlight.storage'

/** What a page rendered on the server knows beyond its URL. Everything in it is about one request: never keep it. */
export interface SiteContext {
  /** As `GET /auth/session` would answer now. */
  session: SessionAnswer
  /** What every script and style tag of this response has to carry (HD-1). */
  nonce: string
  /** False: another front end has taken the place of every page that is not reserved, `/` included. */
  ownPages: boolean
  /**
   * Prefixes of what the server answers or relays, such as `/auth`: calls below them are for `fetch`, all others the
   * site's own.
   */
  answered: readonly string[]
  /** What a form that failed without JavaScript wants shown again. */
  form: KeptForm | null
  /**
   * Calls what the server answers or relays (`/auth/…`, `/api/…`) without leaving the process, as the person who asked
   * for the page. The session is resolved already; rules and limits are those of a call from the browser. A page that
   * was asked for with a safe method makes safe calls only.
   */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Adds a Set-Cookie value to the page's answer, for preferences only: our own cookies' names are refused. */
  setCookie(value: string): void
  /** Writes what broke while the page was rendered into the server's log, under the request's id. */
  report(error: unknown): void
  /**
   * What is answered instead of a page that failed and whose error page cannot be rendered, or that a script asked for.
   */
  fail(failure: SiteFailure): FailedPage
}

/** @property data what a server route of the site says besides, for its own scripts */
export interface SiteFailure {
  status: number
  data?: unknown
}

/** @property headers names and values in turn */
export interface FailedPage {
  status: number
  headers: readonly string[]
  body: string
}

/** A failed form post: kept for a minute in a sealed cookie, so that no field is in a URL. Never holds a password. */
export interface KeptForm {
  /** The page that shows the form, e.g. `/sign-in`; of several on one, its name after a `#`. */
  page: string
  problem: ProblemBody
  fields: Record<string, string>
}

// ---- Development only: there the pages render in a worker, which the context cannot reach as an object.

/**
 * The request header that carries the context to the worker; whatever a client sends under this name is dropped. On a
 * call back from the worker it carries `key` alone, and stands for the session of the page's request.
 */
export const DEV_CONTEXT_HEADER = 'x-porchlight-dev'

/** The environment variable with this process's random secret: the worker believes a header only if it holds it. */
export const DEV_SECRET_VARIABLE = 'PORCHLIGHT_DEV_SECRET'

export interface DevContext {
  secret: string
  /** Names this request to the server while the page renders. */
  key: string
  /** Where the server can be called back: an origin. */
  origin: string
  session: SessionAnswer
  nonce: string
  ownPages: boolean
  answered: readonly string[]
  form: KeptForm | null
}

export function encodeDevContext(context: DevContext): string {
  return encodeURIComponent(JSON.stringify(context))
}

export function decodeDevContext(header: string): DevContext {
  return JSON.parse(decodeURIComponent(header)) as DevContext
}
