import { durationOf } from '../base/numbers.ts'
import type { Outbound } from './outbound.ts'

type Fetch = Outbound['fetch']
type Members = Record<string, unknown>

/**
 * Where an ID token that comes with anything but a sign-in stands after `conforming`: the library would throw the whole
 * answer away for an odd one, though the provider may have spent our refresh token by then.
 */
export const REFRESHED_ID_TOKEN = 'porchlight_refreshed_id_token'
/** Where an ID token stands as it was signed, if the library got to see one without its nulls. */
const SIGNED_ID_TOKEN = 'porchlight_signed_id_token'
/** Nobody but us may use them. */
const OUR_NAMES: ReadonlySet<string> = new Set([REFRESHED_ID_TOKEN, SIGNED_ID_TOKEN])
/**
 * How long a pushed request is said to live where a provider does not tell (RFC 9126 §2.2): nothing here rests on it.
 */
const PUSHED_SECONDS = 60
/** What a refusal is called that names no error. */
export const UNNAMED_ERROR = 'unnamed_error'
/** Members that say what went wrong, in the order in which they are believed. */
const ERROR_NAMES = ['error', 'errorCode', 'error_code', 'code'] as const

/**
 * Calls out as `fetch` does, and hands back what was meant where a provider says it in words of its own: null for
 * nothing, an error under status 200, forms instead of JSON, numbers as text. What is none of that passes as it came.
 */
export function conforming(fetch: Fetch): Fetch {
  return async (url, call) => {
    const form = call.body instanceof URLSearchParams ? call.body : null
    return conformed(await fetch(url, call), form)
  }
}

/** The ID token of an answer as its provider signed it. */
export function idTokenOf(answer: Members): string | null {
  const signed = answer[SIGNED_ID_TOKEN] ?? answer['id_token']
  return typeof signed === 'string' ? signed : null
}

/** @param form what was asked of a token endpoint or one of its kind; null: anything else was asked */
async function conformed(response: Response, form: URLSearchParams | null): Promise<Response> {
  const { status } = response
  // Trouble and redirects are judged by their status alone; a signed answer is not ours to change.
  if (status < 200 || status === 204 || (status >= 300 && status < 400) || status >= 500 || isJwt(response))
    return response
  const text = await response.text()
  const members = objectOf(text) ?? formOf(text)
  if (members === null) return remade(response, status, text)
  const said = withoutNulls(members)
  const isGrant = typeof said['access_token'] === 'string'
  const error = isGrant ? null : errorOf(said, status)
  if (error !== null) {
    const refusal = remade(
      response,
      status < 400 ? 400 : status,
      JSON.stringify({ ...said, error }),
      'application/json',
    )
    // The library believes a challenge before the body, which says more. A resource has nothing but the challenge.
    if (form !== null) refusal.headers.delete('www-authenticate')
    return refusal
  }
  const meant = isGrant ? conformedGrant(said, form?.get('grant_type') === 'authorization_code') : withPushedLife(said)
  return remade(response, status, JSON.stringify(meant), 'application/json')
}

function withPushedLife(said: Members): Members {
  return typeof said['request_uri'] === 'string'
    ? { ...said, expires_in: durationOf(said['expires_in']) ?? PUSHED_SECONDS }
    : said
}

/** @see RFC 6749 §5.1 */
function conformedGrant(said: Members, isSignIn: boolean): Members {
  const { expires_in: life, scope, id_token: idToken, refresh_token: refreshToken, token_type: type, ...rest } = said
  // A token that has no life left is no answer: some mean "for ever" by it, and the rest is told by whoever takes the
  // token.
  const seconds = durationOf(life)
  const scopes = Array.isArray(scope) ? scope.filter(one => typeof one === 'string').join(' ') : scope
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
 * The library checks the claims and refuses null; the signature is checked by us, over what was signed.
 * @returns null: there are none
 */
function withoutNullClaims(idToken: string): string | null {
  const [header, payload, ...rest] = idToken.split('.')
  const claims = objectOf(Buffer.from(payload ?? '', 'base64url').toString())
  if (claims === null || !Object.values(claims).includes(null)) return null
  return [header, Buffer.from(JSON.stringify(withoutNulls(claims))).toString('base64url'), ...rest].join('.')
}

/** What an answer calls its error. Under a status of success only what can be nothing else counts. */
function errorOf(said: Members, status: number): string | null {
  for (const name of status < 400 ? ['error'] : ERROR_NAMES) {
    const value = said[name]
    const inner = typeof value === 'object' && value !== null ? (value as Members) : {}
    const code = [value, inner['code'], inner['type'], inner['status']].find(
      one => typeof one === 'string' && one !== '',
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

/** A form, as GitHub answers unless it is asked otherwise: told from a page by the names in it. */
function formOf(text: string): Members | null {
  if (!/^[\w.]+=[^\s<>]*$/.test(text)) return null
  const fields = new URLSearchParams(text)
  return fields.has('error') || fields.has('access_token') ? Object.fromEntries(fields) : null
}

/** A member that is null counts as absent, and so does a null in a list. */
function withoutNulls(members: Members): Members {
  const kept = Object.entries(members).filter(([, value]) => value !== null)
  return Object.fromEntries(
    kept.map(([name, value]) => [name, Array.isArray(value) ? value.filter(one => one !== null) : value]),
  )
}

function isJwt(response: Response): boolean {
  return /^application\/(?:[\w.-]+\+)?jwt\b/i.test(response.headers.get('content-type') ?? '')
}

function remade(response: Response, status: number, body: string, type?: string): Response {
  const headers = new Headers(response.headers)
  // They told of the body as it came.
  for (const name of ['content-length', 'content-encoding']) headers.delete(name)
  if (type !== undefined) headers.set('content-type', type)
  return new Response(body, { status, headers })
}
