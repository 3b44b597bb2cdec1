import { randomBytes } from 'node:crypto'
import type { InviteAnswer, SessionAnswer } from '../../server/contract/wire.ts'
import { Visitor } from './client.ts'
import { SETUP_CODE } from './server.ts'

export interface Person {
  email: string
  name: string
  password: string
}

let count = 0

/** Somebody new, with a password that no list of common ones holds. */
export function somebody(name = 'Robin Hartley'): Person {
  count += 1
  return {
    email: `person-${count}-${randomBytes(4).toString('hex')}@example.org`,
    name,
    password: `quiet ${randomBytes(9).toString('hex')} lantern`,
  }
}

/**
 * Makes the first administrator on a fresh server.
 * @returns their browser, signed in
 */
export async function setUp(
  origin: string,
  person: Person = somebody('Ada First'),
): Promise<{ browser: Visitor; person: Person; answer: SessionAnswer }> {
  const browser = new Visitor(origin)
  const answer = await browser.post('/auth/setup', { code: SETUP_CODE, ...person })
  if (answer.status !== 200) throw new Error(`set-up answered ${answer.status}: ${answer.text}`)
  return { browser, person, answer: answer.json<SessionAnswer>() }
}

export async function signIn(origin: string, person: Person, options: { remember?: boolean } = {}): Promise<Visitor> {
  const browser = new Visitor(origin)
  const answer = await browser.post('/auth/login', { email: person.email, password: person.password, ...options })
  if (answer.status !== 200) throw new Error(`sign-in answered ${answer.status}: ${answer.text}`)
  return browser
}

/**
 * An administrator invites somebody, who signs up.
 * @returns their browser, signed in
 */
export async function signUp(
  admin: Visitor,
  person: Person = somebody(),
): Promise<{ browser: Visitor; person: Person; answer: SessionAnswer }> {
  const code = await invite(admin)
  const browser = new Visitor(admin.origin)
  const answer = await browser.post('/auth/register', { ...person, invite: code })
  if (answer.status !== 200) throw new Error(`sign-up answered ${answer.status}: ${answer.text}`)
  return { browser, person, answer: answer.json<SessionAnswer>() }
}

/** A one-time code, as the link carries it. */
export async function invite(admin: Visitor): Promise<string> {
  const answer = await admin.post('/auth/invites', {})
  if (answer.status >= 300) throw new Error(`the invitation answered ${answer.status}: ${answer.text}`)
  return codeIn(answer.json<InviteAnswer>().href)
}

/** The code that a one-time link carries, in its query or its fragment. */
export function codeIn(href: string | null): string {
  const url = new URL(href ?? '', 'http://link.invalid')
  const all = [...url.searchParams.values(), ...new URLSearchParams(url.hash.slice(1)).values()]
  const code = all.find(value => value.length >= 20)
  if (code === undefined) throw new Error(`no code in ${href ?? 'no link'}`)
  return code
}
