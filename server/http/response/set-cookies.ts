import { cookieNameOf } from '../../relay/cookie-name.ts'
import type { Sessions } from '../../session/types.ts'
import type { PendingResponse } from '../request/request-context.ts'

/**
 * The Set-Cookie values of a response, computed when its headers are sent: each of ours once, the last one wins (CK-8).
 * @param others set by a page or an upstream; our names among them are dropped
 */
export function setCookies(
  sessions: Pick<Sessions, 'cookiesFor' | 'clearing'>,
  answer: PendingResponse,
  others: readonly string[],
  isOurs: (name: string) => boolean,
): string[] {
  const own = new Map<string, string>()
  if (answer.cookies) for (const value of answer.cookies) own.set(cookieNameOf(value), value)
  const session = answer.clearing ? sessions.clearing() : answer.issued ? sessions.cookiesFor(answer.issued) : []
  for (const value of session) own.set(cookieNameOf(value), value)

  const passed = new Map<string, string>()
  for (const value of others) {
    const name = cookieNameOf(value)
    if (!isOurs(name) && !own.has(name)) passed.set(identityOf(value), value)
  }
  return [...passed.values(), ...own.values()]
}

/** What identifies a cookie to a browser: the same name with two paths is two cookies (RFC 6265bis §5.7). */
function identityOf(setCookie: string): string {
  const attribute = (name: string) => new RegExp(`;\\s*${name}\\s*=\\s*([^;]*)`, 'i').exec(setCookie)?.[1]?.trim() ?? ''
  return JSON.stringify([cookieNameOf(setCookie), attribute('domain').toLowerCase(), attribute('path')])
}
