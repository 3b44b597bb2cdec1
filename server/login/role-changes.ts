import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Accounts } from '../accounts/account-service.ts'
import { OPERATOR, originOf } from '../accounts/actor.ts'
import type { RoleChange } from '../providers/recheck-user.ts'
import type { IdentityStore } from '../store/types.ts'

interface Deps {
  identities: Pick<IdentityStore, 'decideRoles'>
  accounts: Pick<Accounts, 'changed'>
  clock: Clock
  log: Log
}

/** Applies a change of a user's mapped roles at once, as at a sign-in. */
export function createRoleChanges({ identities, accounts, clock, log }: Deps): (change: RoleChange) => Promise<void> {
  return async ({ provider, issuer, subject, userId, roles }) => {
    const decided = await identities.decideRoles(
      { issuer, subject, userId },
      roles,
      originOf(OPERATOR, userId, clock.now().wall),
    )
    if (decided === null) return
    accounts.changed({ account: decided.account, ended: [] })
    if (decided.kept)
      log.warn(
        { event: 'last_admin_kept', provider, accountId: userId },
        'the roles mapping of a provider would remove the last administrator; the role stays',
      )
  }
}
