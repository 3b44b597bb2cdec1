import type { Sessions } from '../session/types.ts'
import type { PendingAnswer } from './exchange.ts'

/** The Set-Cookie values of an answer, decided at the instant its headers leave: each name once, the last one wins (CK-8).
 * @param others what a page or an upstream set itself; names of ours among them are dropped */
export function setCookies(sessions: Pick<Sessions, 'cookiesFor' | 'clearing'>, answer: PendingAnswer, others: readonly string[], isOurs: (name: string) => boolean): string[] {
  const byName = new Map<string, string>()
  for (const value of others) {
    const name = cookieNameOf(value)
    if (!isOurs(name)) byName.set(name, value)
  }
  if (answer.cookies) for (const value of answer.cookies) byName.set(cookieNameOf(value), value)
  const session = answer.clearing ? sessions.clearing() : answer.granted ? sessions.cookiesFor(answer.granted) : []
  for (const value of session) byName.set(cookieNameOf(value), value)
  return [...byName.values()]
}

function cookieNameOf(setCookie: string): string {
  const end = setCookie.search(/[=;]/)
  return (end === -1 ? setCookie : setCookie.slice(0, end)).trim()
}
