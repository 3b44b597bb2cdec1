import { Problem } from '../base/problem.ts'

const TIMED_OUT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/** Codes of Node and OpenSSL for a connection that TLS refused, on either side: certificates, names, alerts. */
const TLS_FAILURE = /^ERR_(?:TLS|SSL)_|CERT|ISSUER|^UNABLE_TO_(?:VERIFY|GET|DECODE)|^INVALID_CA$|^HOSTNAME_MISMATCH$/

export function isTlsFailure(code: string): boolean {
  return TLS_FAILURE.test(code)
}

/** More interim responses (1xx) than any honest upstream sends; each restarts its header timeout. */
export const INTERIM_MAX = 100

export function announcedTooOften(name: string): Problem {
  return new Problem('upstream_unreachable', { detail: `"${name}" sent too many interim responses.` })
}

/** Maps an error of undici or the network to what the client receives. Decided by code, never by text. */
export function asUpstreamProblem(error: unknown, name: string): Problem {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Problem) return at
    const code = (at as NodeJS.ErrnoException).code
    if (code !== undefined && TIMED_OUT.has(code))
      return new Problem('upstream_timeout', { detail: `"${name}" did not answer in time.` }, error)
    if (code !== undefined && isTlsFailure(code))
      return new Problem('upstream_tls_failed', { detail: `No secure connection to "${name}" could be made.` }, error)
  }
  return new Problem(
    'upstream_unreachable',
    { detail: `"${name}" cannot be reached, or closed the connection before answering.` },
    error,
  )
}
