import type http from 'node:http'
import { Visitor } from '../client.ts'
import { somebody } from '../people.ts'

/** How a request presents itself: a link that is followed, a script of a page, a program. */
export const MANNERS = ['navigation', 'script', 'json', 'program'] as const
export type Manner = (typeof MANNERS)[number]

export function headersOf(manner: Manner): http.OutgoingHttpHeaders {
  switch (manner) {
    case 'navigation':
      return {
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      }
    case 'script':
      return { accept: '*/*' }
    case 'json':
      return { accept: 'application/json' }
    case 'program':
      return { accept: 'text/plain', 'sec-fetch-mode': 'no-cors', 'accept-language': 'zh' }
    default:
      return manner satisfies never
  }
}

/** Somebody to whom anything may happen. */
export interface Scapegoat {
  browser: Visitor
  email: string
  password: string
  id: string
}

/** Makes an account where registration is open. */
export async function newcomer(origin: string): Promise<Scapegoat> {
  const browser = new Visitor(origin)
  const person = somebody('Sam Goat')
  const answer = await browser.post('/auth/register', person)
  if (answer.status !== 200) throw new Error(`nobody can register: ${answer.status} ${answer.text}`)
  return { ...person, browser, id: (await browser.session()).user?.id ?? '' }
}

/** One who is signed in: the one before, or another where that one is out by now. */
export async function stillIn(origin: string, before: Scapegoat | null): Promise<Scapegoat> {
  if (before !== null && (await before.browser.session()).user !== null) return before
  before?.browser.close()
  return newcomer(origin)
}
