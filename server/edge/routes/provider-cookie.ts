import type { Context } from 'hono'
import { SECOND } from '../../base/clock.ts'
import { LOGIN_LIFE_MS } from '../../providers/transactions.ts'
import type { Begun } from '../../providers/types.ts'
import { clearCookie, serializeCookie, transactionCookieName } from '../../session/cookies.ts'
import type { Env } from '../context.ts'

/** Sign-ins that one browser may have under way. More would fill the Cookie header until servers refuse it. */
const MAX_UNDER_WAY = 5

/** Remembers a sign-in that has begun in this browser, and forgets its oldest ones when they become too many. */
export function keepTransaction(c: Context<Env>, { id, sealed }: Begun, secure: boolean): void {
  const older = [...c.get('caller').transactions()].sort()
  for (const gone of older.slice(0, Math.max(0, older.length + 1 - MAX_UNDER_WAY))) clearTransaction(c, gone, secure)
  c.get('answer').cookie(serializeCookie(transactionCookieName(id, secure), sealed, { secure, maxAgeSeconds: LOGIN_LIFE_MS / SECOND }))
}

export function clearTransaction(c: Context<Env>, id: string, secure: boolean): void {
  c.get('answer').cookie(clearCookie(transactionCookieName(id, secure), { secure }))
}
