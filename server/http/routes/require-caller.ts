import type { Context } from 'hono'
import type { UnixMs } from '../../base/clock.ts'
import { FRESH_MS, isFresh } from '../../base/freshness.ts'
import { type Acr, acrOf, reaches } from '../../contract/acr.ts'
import { Problem } from '../../base/problem.ts'
import type { AccountUser } from '../../accounts/account.ts'
import type { Actor } from '../../accounts/actor.ts'
import type { Env } from '../request/hono-env.ts'

/** @throws Problem `not_signed_in` */
export function signedIn(c: Context<Env>) {
  const { signedIn: who, client } = c.get('caller')
  if (who === null) throw new Problem('not_signed_in')
  const actor = { userId: who.user.id, sessionId: who.session.publicId, client } satisfies Actor
  return { ...who, client, actor }
}

/** @throws Problem `not_signed_in`, `forbidden` */
export function administrator(c: Context<Env>) {
  const who = signedIn(c)
  if (!who.user.roles.includes('admin')) throw new Problem('forbidden')
  return who
}

/**
 * Protects operations that grant access to others: an unattended session is not enough (ASVS 7.5.1). A session from
 * before its owner had a second factor is not, either, since it was opened by less than they have now.
 * @throws Problem `reauthentication_required`, with `acr` where that takes a second factor
 */
export function requireFresh({ session, user }: Fresh, now: UnixMs): void {
  const acr = strongestOf(user)
  if (isFresh(session.authTime, FRESH_MS, now) && reaches(acrOf(session.amr), acr)) return
  throw new Problem('reauthentication_required', acr === 'aal1' ? {} : { acr })
}

interface Fresh {
  session: { authTime: UnixMs; amr: readonly string[] }
  user: Pick<AccountUser, 'secondFactorAt'>
}

/** The level that a person can reach with what they have. */
const strongestOf = ({ secondFactorAt }: Fresh['user']): Acr => (secondFactorAt === null ? 'aal1' : 'aal2')
