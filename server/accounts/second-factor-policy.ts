import type { Config } from '../config/types.ts'
import { acrOf } from '../contract/acr.ts'
import type { Account } from './account.ts'

type Policy = Config['secondFactor']

/** Whether the site requires a second factor of this person. */
export function requiresSecondFactor(policy: Policy, { roles }: Pick<Account, 'roles'>): boolean {
  return policy === 'required' || (policy === 'admins' && roles.includes('admin'))
}

/**
 * Whether this person can do nothing until they have enrolled one. A session that was opened with two factors elsewhere,
 * at a provider that is trusted with it, is no reason to ask for another.
 */
export function mustEnrol(
  policy: Policy,
  user: Pick<Account, 'roles' | 'secondFactorAt'>,
  session: { amr: readonly string[] },
): boolean {
  return user.secondFactorAt === null && requiresSecondFactor(policy, user) && acrOf(session.amr) === 'aal1'
}
