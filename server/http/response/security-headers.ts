/**
 * The headers of every response, including errors, redirects and 304. Pages replace the default policy with their own.
 */
export interface SecurityHeaders {
  /** Alternating names and values; none can be changed by a route or a page. */
  readonly fixed: readonly string[]
}

export const DEFAULT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
export const DEFAULT_REFERRER_POLICY = 'same-origin'
const TWO_YEARS_S = 63_072_000

export function securityHeaders(publicUrl: string): SecurityHeaders {
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
  if (publicUrl.startsWith('https:')) fixed.push('Strict-Transport-Security', `max-age=${TWO_YEARS_S}`)
  return { fixed }
}

/** The policy of a rendered page (HD-1, HD-2): scripts and style sheets by nonce, nothing from other origins. */
export function pagePolicy(nonce: string): string {
  return (
    `default-src 'none'; script-src 'nonce-${nonce}' 'strict-dynamic'; style-src-elem 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; ` +
    "connect-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  )
}

/**
 * Relaxed for development: Vite adds style sheets and its socket by script. Scripts stay as strict, so that violations
 * show up before production.
 */
export function devPagePolicy(nonce: string): string {
  return pagePolicy(nonce)
    .replace(/style-src-elem [^;]+/, "style-src-elem 'self' 'unsafe-inline'")
    .replace("connect-src 'self'", "connect-src 'self' ws: wss:")
}
