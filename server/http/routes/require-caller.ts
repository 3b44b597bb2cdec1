import type { Context } from 'hono'
import type { UnixMs } from '../../base/clock.ts'
import { FRESH_MS, isFresh } from '../../base/freshness.ts'
import { Problem } from '../../base/problem.ts'
import type { Actor } from '../../accounts/actor.ts'
import type { Env } from '../request/hono-env.ts'

/** @throws Problem `not_signed_in` */
export function signedIn(c: Context<Env>) {
  const { signedIn: who, client } = c.get('caller')
  if (who === null) throw new Problem('not_signed_in')
  const actor: Actor = { userId: who.user.id, sessionId: who.session.publicId, client }
  return { ...who, client, actor }
}

/** @throws Problem `not_signed_in`, `forbidden` */
export function administrator(c: Context<Env>) {
  const who = signedIn(c)
  if (!who.user.roles.includes('admin')) throw new Problem('forbidden')
  return who
}

/**
 * Protects operations that grant access to others: an unattended session is not enough (ASVS 7.5.1).
 * @throws Problem `reauthentication_required`
 */
export function requireFresh({ session }: { session: { authTime: UnixMs } }, now: UnixMs): void {
  if (!isFresh(session.authTime, FRESH_MS, now)) throw new Problem('reauthentication_required')
}
