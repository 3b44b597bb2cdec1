import type { Context } from 'hono'
import { SECOND } from '../../base/clock.ts'
import { LOGIN_LIFE_MS } from '../../providers/transactions.ts'
import type { PendingSignIn } from '../../login/sign-in-method.ts'
import { clearCookie, serializeCookie, transactionCookieName } from '../../session/cookie-names.ts'
import type { Env } from '../request/hono-env.ts'

/**
 * Maximum bytes and number of a browser's pending sign-ins in its Cookie header, which must not grow until servers
 * refuse it.
 */
const MAX_TOTAL = 3072
const MAX_PENDING = 5
/** One takes at most half, so that a second one has room for its `returnTo`, too. */
const MAX_ONE = MAX_TOTAL / 2
/** Cookies cleared by one response: each takes some hundred bytes of its headers. */
const MAX_CLEARED = 5

/**
 * The maximum length of the next transaction cookie's value.
 * @param secure whether cookies have their prefixes
 */
export function roomForTransaction(c: Context<Env>, secure: boolean): number {
  const used = pending(c, secure).reduce((sum, { bytes }) => sum + bytes, 0)
  const name = transactionCookieName('0'.repeat(26), secure)
  return Math.min(MAX_ONE, MAX_TOTAL - used) - pairBytes(name, '')
}

/** Stores a sign-in that has begun, and drops the oldest ones when they become too many or too long. */
export function keepTransaction(c: Context<Env>, { id, sealed }: PendingSignIn, secure: boolean): void {
  const name = transactionCookieName(id, secure)
  let left = MAX_TOTAL - pairBytes(name, sealed)
  const keptIds = new Set<string>()
  const newestFirst = pending(c, secure)
  for (const transaction of newestFirst) {
    left -= transaction.bytes
    if (left < 0 || keptIds.size + 1 >= MAX_PENDING) break
    keptIds.add(transaction.id)
  }
  const dropped = newestFirst.filter(transaction => !keptIds.has(transaction.id))
  for (const transaction of dropped.slice(-MAX_CLEARED)) clearTransaction(c, transaction.id, secure)
  c.get('answer').cookie(serializeCookie(name, sealed, { secure, maxAgeSeconds: LOGIN_LIFE_MS / SECOND }))
}

export function clearTransaction(c: Context<Env>, id: string, secure: boolean): void {
  c.get('answer').cookie(clearCookie(transactionCookieName(id, secure), { secure }))
}

/** This browser's pending sign-ins, newest first: their names sort by time. */
function pending(c: Context<Env>, secure: boolean): { id: string; bytes: number }[] {
  const caller = c.get('caller')
  return [...caller.transactions()]
    .sort()
    .reverse()
    .map(id => ({ id, bytes: pairBytes(transactionCookieName(id, secure), caller.transaction(id) ?? '') }))
}

/** In a Cookie header, with `=` and `; `. */
const pairBytes = (name: string, value: string): number => name.length + value.length + 3
