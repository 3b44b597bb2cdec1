import { isLoopback } from '../../config/address.ts'
import type { SiteHeader } from '../../config/header-settings.ts'
import { INLINE_SCRIPTS, INLINE_STYLES } from '../../config/policy-setting.ts'

/**
 * The headers of every response, including errors, redirects and 304. Pages replace the default policy with their own.
 */
export interface SecurityHeaders {
  /** Alternating names and values; none can be changed by a route or a page. */
  readonly fixed: readonly string[]
  /** The same for what the site itself answers, where its operator may have set others. */
  readonly ofSite: readonly string[]
  /** Names in lower case of what only `ofSite` decides there. */
  readonly setForSite: ReadonlySet<string>
}

export const DEFAULT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
export const DEFAULT_REFERRER_POLICY = 'same-origin'
const TWO_YEARS_S = 63_072_000

/** @param siteHeaders of the setting `site` */
export function securityHeaders(publicUrl: string, siteHeaders: readonly SiteHeader[] = []): SecurityHeaders {
  const fixed = [
    'X-Content-Type-Options',
    'nosniff',
    'Cross-Origin-Opener-Policy',
    'same-origin',
    'Cross-Origin-Resource-Policy',
    'same-origin',
    'Permissions-Policy',
    'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  ]
  // Without includeSubDomains, because other hosts of the domain need not support https.
  // Not for this machine's own name, which every other program under development has, too, usually without https.
  if (publicUrl.startsWith('https:') && !isLoopback(new URL(publicUrl).hostname))
    fixed.push('Strict-Transport-Security', `max-age=${TWO_YEARS_S}`)
  const setForSite = new Set(siteHeaders.map(({ name }) => name.toLowerCase()))
  const ofSite: string[] = []
  for (let i = 0; i + 1 < fixed.length; i += 2) {
    if (!setForSite.has(fixed[i]?.toLowerCase() ?? '')) ofSite.push(fixed[i] ?? '', fixed[i + 1] ?? '')
  }
  for (const { name, value } of siteHeaders) if (value !== '') ofSite.push(name, value)
  return { fixed, ofSite, setForSite }
}

/** Of an application's developer tools, which run scripts of their own and frame each other. */
export const TOOL_POLICY =
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'"

/**
 * The policy of a rendered page (HD-1, HD-2): scripts and style sheets by nonce, nothing from other origins. The places
 * of its nonce are filled for each page.
 */
export const PAGE_POLICY =
  `default-src 'none'; script-src ${INLINE_SCRIPTS} 'strict-dynamic'; style-src-elem 'self' ${INLINE_STYLES}; style-src-attr 'unsafe-inline'; ` +
  "connect-src 'self'; img-src 'self'; manifest-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * The policy of an application's rendered page: scripts by nonce. Styles may be inline, because libraries of components
 * add some as the page runs, without a nonce. Module runners and icons use data and blob addresses, which cannot leave
 * the page. Scripts that run may compile WebAssembly, as those of Nuxt Content do for SQLite; it can do no more than they.
 */
export const APP_POLICY =
  `default-src 'self'; script-src ${INLINE_SCRIPTS} 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; ` +
  "connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; " +
  "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * Relaxed for development: Vite adds style sheets and its socket by script. Scripts stay as strict, so that violations
 * show up before production.
 */
export function inDevelopment(policy: string): string {
  return policy
    .replace(/style-src-elem [^;]+/, "style-src-elem 'self' 'unsafe-inline'")
    .replace("connect-src 'self'", "connect-src 'self' ws: wss:")
}
