import { NAME } from '../contract/name.ts'
import type { PresentedCookies } from './types.ts'

export type CookieKind = 'access' | 'refresh' | 'device' | 'form' | 'login' | 'logout' | 'second-factor'

/**
 * The exact name of one of our cookies. `__Host-` and `__Host-Http-` restrict a cookie to this host, https and HTTP
 * (rfc6265bis §4.1.3); over plain http browsers refuse these prefixes, so there are none.
 */
export function cookieName(kind: CookieKind, secure: boolean): string {
  if (!secure) return `${NAME}-${kind}`
  return kind === 'refresh' ? `__Host-Http-${NAME}-${kind}` : `__Host-${NAME}-${kind}`
}

/** Each pending sign-in at a provider has its own cookie, so that two tabs do not interfere. */
export function transactionCookieName(id: string, secure: boolean): string {
  return `${cookieName('login', secure)}-${id}`
}

/** The ids of a browser's pending sign-ins, in any order. */
export function transactionIds(header: string | undefined, secure: boolean): string[] {
  const prefix = transactionCookieName('', secure)
  const names = (header ?? '').split(';').map(pair => pair.trimStart().split('=', 1)[0] ?? '')
  return [
    ...new Set(
      names
        .filter(name => name.startsWith(prefix))
        .map(name => name.slice(prefix.length))
        .filter(id => /^[\w-]{1,64}$/.test(id)),
    ),
  ]
}

/**
 * One Set-Cookie value.
 * @param maxAgeSeconds null: the cookie ends with the browser
 */
export function serializeCookie(
  name: string,
  value: string,
  options: { secure: boolean; maxAgeSeconds: number | null },
): string {
  const age = options.maxAgeSeconds === null ? '' : `; Max-Age=${Math.floor(options.maxAgeSeconds)}`
  return `${name}=${value}${age}; Path=/; HttpOnly; SameSite=Lax${options.secure ? '; Secure' : ''}`
}

/** A Set-Cookie value that removes a cookie, with the same attributes so that it identifies the same one (CK-9). */
export function clearCookie(name: string, options: { secure: boolean }): string {
  return serializeCookie(name, '', { ...options, maxAgeSeconds: 0 })
}

/** Every value in a Cookie header for one exact, case-sensitive name (CK-3). */
export function cookieValues(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined) return values
  for (let start = 0; start < header.length;) {
    const semicolon = header.indexOf(';', start)
    const end = semicolon === -1 ? header.length : semicolon
    while (header.charCodeAt(start) === 32) start++
    if (header.startsWith(name, start) && header.charCodeAt(start + name.length) === 61) {
      values.push(header.slice(start + name.length + 1, end).trim())
    }
    start = end + 1
  }
  return values
}

/** Reads our session cookies. A duplicate name was set by someone else as well, so neither value is trusted (CK-11). */
export function readSessionCookies(
  header: string | undefined,
  names: { access: string; refresh: string },
): PresentedCookies {
  const access = cookieValues(header, names.access)
  const refresh = cookieValues(header, names.refresh)
  if (access.length > 1 || refresh.length > 1) return { access: null, refresh: null, duplicated: true }
  return { access: access[0] || null, refresh: refresh[0] || null, duplicated: false }
}
