import type { UnixMs } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import type { AccountRecord } from './account-types.ts'
import type { IdentityRecord } from './types.ts'

/**
 * What an identity says about its account's address. Once verified it stays so: the claim tells of the time of the
 * verification (OIDC Core §5.1), and an identity may report another address later.
 */
export function emailVerifiedAt(
  account: Pick<AccountRecord, 'emailKey' | 'emailVerifiedAt'>,
  identity: Pick<IdentityRecord, 'email' | 'emailVerified'>,
  at: UnixMs,
): UnixMs | null {
  const { email, emailVerified } = identity
  if (account.emailVerifiedAt !== null || !emailVerified || email === null) return account.emailVerifiedAt
  return toEmailKey(email) === account.emailKey ? at : null
}
