import type { Context } from 'hono'
import { type Language, LANGUAGE_COOKIE, languageOf } from '../../contract/languages.ts'
import { readableCookies } from '../../contract/readable-cookies.ts'
import type { Env } from '../request/hono-env.ts'

/** The language of the page that a request comes from. */
export function languageIn(c: Context<Env>): Language {
  const chosen = readableCookies(c.req.header('cookie') ?? '').get(LANGUAGE_COOKIE) ?? null
  return languageOf(chosen, c.req.header('accept-language'))
}
