import { type Clock, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Problem } from '../base/problem.ts'
import type { Role } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { ProviderGrantRecord, ProviderGrantStore } from '../store/types.ts'
import { algOf } from './recheck.ts'
import type { Refreshed, TokenClient, Standing } from './token-client-types.ts'
import { type KeptTokens, type Needs, neededOf, sealTokens } from './sealed-tokens.ts'
import { settledWithin } from './settled-within.ts'

/** The provider's roles for a user have changed; an empty list no longer admits the user. */
export type RoleChange = Pick<ProviderGrantRecord, 'provider' | 'issuer' | 'subject' | 'userId' | 'sessionId'> & {
  roles: Role[]
}

interface Deps {
  clock: Clock
  log: Log
  keyring: Keyring
  grants: Pick<ProviderGrantStore, 'amend'>
  needsOf: (provider: string) => Needs
  changeRoles: (change: RoleChange) => Promise<void>
  /**
   * The provider no longer admits the user.
   * @returns the problem for waiting requests
   */
  endGrant: (grantId: string) => Promise<Problem>
}

interface StoredGrant {
  row: ProviderGrantRecord
  tokens: KeptTokens
}

/**
 * How long a request waits for this, since user-info may be slow and the tokens are available already. The check itself
 * continues.
 */
const WAIT_MS = 2 * SECOND

/**
 * Checks a user's roles after a refresh, once its tokens are stored, so that they are not lost whatever the provider
 * reports.
 */
export function createUserRecheck({ log, keyring, grants, needsOf, changeRoles, endGrant }: Deps) {
  async function storeUpdated({ row, tokens }: StoredGrant, { idToken, roles }: Standing): Promise<void> {
    const updated: KeptTokens = { ...tokens, idToken: idToken ?? tokens.idToken, roles: roles ?? tokens.roles }
    const needed = neededOf(updated, needsOf(row.provider)) ?? updated
    await grants.amend(row.id, row.refreshes, {
      sealed: sealTokens(keyring, row.id, needed),
      idTokenAlg: algOf(updated.idToken) ?? row.idTokenAlg,
    })
  }

  async function recheck(grant: StoredGrant, refreshed: Refreshed, tokenClient: TokenClient): Promise<Problem | null> {
    const { row, tokens } = grant
    try {
      const standing = await tokenClient.standing(refreshed, row)
      const { roles } = standing
      // A merely linked session depends on another sign-in, and so do its user's roles.
      const mayDecide = row.origin === 'sign_in' && roles !== null
      if (mayDecide && roles.length === 0) {
        await changeRoles({ ...row, roles })
        log.warn(
          { event: 'provider_not_admitted', session: row.sessionId, provider: row.provider },
          'the roles mapping no longer admits a person; their session ends',
        )
        return await endGrant(row.id)
      }
      if (mayDecide && !sameRoles(tokens.roles, roles)) await changeRoles({ ...row, roles })
      if (standing.idToken !== null || !sameRoles(tokens.roles, roles ?? tokens.roles))
        await storeUpdated(grant, standing)
    } catch (error) {
      log.warn(
        { event: 'provider_standing_failed', error, session: row.sessionId, provider: row.provider },
        'failed to recheck an account; will retry at the next refresh',
      )
    }
    return null
  }

  /** @throws Problem if the user is no longer admitted, in which case the session was ended */
  return async function recheckUser(grant: StoredGrant, refreshed: Refreshed, tokenClient: TokenClient): Promise<void> {
    let problem: Problem | null = null
    await settledWithin(WAIT_MS, [
      recheck(grant, refreshed, tokenClient).then(found => {
        problem = found
      }),
    ])
    if (problem !== null) throw problem as Problem
  }
}

function sameRoles(before: readonly Role[] | null, now: readonly Role[] | null): boolean {
  return before !== null && now !== null ? before.toSorted().join() === now.toSorted().join() : before === now
}
