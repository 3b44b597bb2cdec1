import type { UnixMs } from '../base/clock.ts'
import type { ProviderProfile, ProviderTokens } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import type { Proven } from './password-login.ts'
import type { Proof } from './sign-in-method.ts'

/**
 * The proof of a user that a provider or the token API vouches for, with its grant sealed for the session. If they are
 * refused here, the tokens are revoked, since no sign-out ever would.
 * @param judge finds their account here
 * @throws Problem whatever `judge` throws
 */
export async function grantedProof(
  vault: Pick<Vault, 'createGrant' | 'revoke'>,
  { person, tokens }: { person: ProviderProfile; tokens: ProviderTokens },
  { isTrusted, ...times }: { authTime: UnixMs | null; endsAt: UnixMs | null; isTrusted: boolean },
  judge: () => Promise<Proven>,
): Promise<Proof> {
  const abandon = () => vault.revoke(person, tokens)
  try {
    const { account, amr } = await judge()
    const grant = await vault.createGrant({ person, userId: account.id, sessionId: '', origin: 'sign_in' }, tokens)
    // Two factors at a provider are only what it says, unless this site trusts it.
    const counted = isTrusted ? amr : amr.filter(method => method !== 'mfa')
    return { account, amr: counted, isTrusted, basis: { kind: 'provider', ...times, grant }, abandon }
  } catch (error) {
    abandon()
    throw error
  }
}
