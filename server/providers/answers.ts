import { durationOf } from '../base/numbers.ts'
import type { Outbound } from './outbound.ts'

type Fetch = Outbound['fetch']
type Members = Record<string, unknown>

/**
 * The member to which `conforming` moves an ID token that was returned by anything but a sign-in: the library would
 * reject the whole response for an invalid one, although the provider may have rotated our refresh token by then.
 */
export const REFRESHED_ID_TOKEN = 'porchlight_refreshed_id_token'
/** The member with the ID token as signed, if the library got a copy without nulls. */
const SIGNED_ID_TOKEN = 'porchlight_signed_id_token'
/** Reserved: a provider's own members of these names are dropped. */
const OUR_NAMES: ReadonlySet<string> = new Set([REFRESHED_ID_TOKEN, SIGNED_ID_TOKEN])
/** The lifetime assumed for a pushed request without one (RFC 9126 §2.2); nothing here depends on it. */
const PUSHED_SECONDS = 60
/** The error code of a refusal that names none. */
export const UNNAMED_ERROR = 'unnamed_error'
/** Members that may carry an error code, in order of precedence. */
const ERROR_NAMES = ['error', 'errorCode', 'error_code', 'code'] as const

/**
 * Wraps `fetch` to correct common deviations from the standards: null for absent, an error with status 200, forms
 * instead of JSON, numbers as text. Anything else passes unchanged.
 */
export function conforming(fetch: Fetch): Fetch {
  return async (url, call) => {
    const form = call.body instanceof URLSearchParams ? call.body : null
    return conformed(await fetch(url, call), form)
  }
}

/** The ID token of a response, as the provider signed it. */
export function idTokenOf(answer: Members): string | null {
  const signed = answer[SIGNED_ID_TOKEN] ?? answer['id_token']
  return typeof signed === 'string' ? signed : null
}

/** @param form the request body for a token endpoint or the like; null for any other request */
async function conformed(response: Response, form: URLSearchParams | null): Promise<Response> {
  const { status } = response
  // Failures and redirects are judged by their status alone, and a signed response must not be changed.
  if (status < 200 || status === 204 || (status >= 300 && status < 400) || status >= 500 || isJwt(response))
    return response
  const text = await response.text()
  const members = objectOf(text) ?? formOf(text)
  if (members === null) return remade(response, status, text)
  const body = withoutNulls(members)
  const isGrant = typeof body['access_token'] === 'string'
  const error = isGrant ? null : errorOf(body, status)
  if (error !== null) {
    const refusal = remade(
      response,
      status < 400 ? 400 : status,
      JSON.stringify({ ...body, error }),
      'application/json',
    )
    // The library prefers a challenge over the body, which says more. A resource only has the challenge.
    if (form !== null) refusal.headers.delete('www-authenticate')
    return refusal
  }
  const corrected = isGrant
    ? conformedGrant(body, form?.get('grant_type') === 'authorization_code')
    : withPushedLife(body)
  return remade(response, status, JSON.stringify(corrected), 'application/json')
}

function withPushedLife(body: Members): Members {
  return typeof body['request_uri'] === 'string'
    ? { ...body, expires_in: durationOf(body['expires_in']) ?? PUSHED_SECONDS }
    : body
}

/** @see RFC 6749 §5.1 */
function conformedGrant(body: Members, isSignIn: boolean): Members {
  const { expires_in: life, scope, id_token: idToken, refresh_token: refreshToken, token_type: type, ...rest } = body
  // A zero lifetime is dropped: some mean "forever" by it, and if not, whoever accepts the token will reject it.
  const seconds = durationOf(life)
  const scopes = Array.isArray(scope) ? scope.filter(item => typeof item === 'string').join(' ') : scope
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !OUR_NAMES.has(name))),
    ...(seconds === null || seconds === 0 ? {} : { expires_in: seconds }),
    ...unlessEmpty('scope', scopes),
    ...unlessEmpty('refresh_token', refreshToken),
    token_type: type ?? 'Bearer',
    ...(isSignIn ? withPlainClaims(idToken) : unlessEmpty(REFRESHED_ID_TOKEN, idToken)),
  }
}

function unlessEmpty(name: string, value: unknown): Members {
  return value === undefined || value === '' ? {} : { [name]: value }
}

function withPlainClaims(idToken: unknown): Members {
  const plain = typeof idToken === 'string' ? withoutNullClaims(idToken) : null
  return plain === null ? unlessEmpty('id_token', idToken) : { id_token: plain, [SIGNED_ID_TOKEN]: idToken }
}

/**
 * The library validates the claims and rejects null, whereas we verify the signature over the original.
 * @returns null if there are no null claims
 */
function withoutNullClaims(idToken: string): string | null {
  const [header, payload, ...rest] = idToken.split('.')
  const claims = objectOf(Buffer.from(payload ?? '', 'base64url').toString())
  if (claims === null || !Object.values(claims).includes(null)) return null
  return [header, Buffer.from(JSON.stringify(withoutNulls(claims))).toString('base64url'), ...rest].join('.')
}

/** The error code of a response. With a success status, only the unambiguous member counts. */
function errorOf(body: Members, status: number): string | null {
  for (const name of status < 400 ? ['error'] : ERROR_NAMES) {
    const value = body[name]
    const inner = typeof value === 'object' && value !== null ? (value as Members) : {}
    const code = [value, inner['code'], inner['type'], inner['status']].find(
      candidate => typeof candidate === 'string' && candidate !== '',
    )
    if (typeof code === 'string') return code
  }
  return status < 400 ? null : UNNAMED_ERROR
}

function objectOf(text: string): Members | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Members) : null
  } catch {
    return null
  }
}

/** A form body, which GitHub sends by default: told from a page by its field names. */
function formOf(text: string): Members | null {
  if (!/^[\w.]+=[^\s<>]*$/.test(text)) return null
  const fields = new URLSearchParams(text)
  return fields.has('error') || fields.has('access_token') ? Object.fromEntries(fields) : null
}

/** Drops null members, and nulls in lists. */
function withoutNulls(members: Members): Members {
  const present = Object.entries(members).filter(([, value]) => value !== null)
  return Object.fromEntries(
    present.map(([name, value]) => [name, Array.isArray(value) ? value.filter(item => item !== null) : value]),
  )
}

function isJwt(response: Response): boolean {
  return /^application\/(?:[\w.-]+\+)?jwt\b/i.test(response.headers.get('content-type') ?? '')
}

function remade(response: Response, status: number, body: string, type?: string): Response {
  const headers = new Headers(response.headers)
  // They described the original body.
  for (const name of ['content-length', 'content-encoding']) headers.delete(name)
  if (type !== undefined) headers.set('content-type', type)
  return new Response(body, { status, headers })
}
