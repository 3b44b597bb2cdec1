import * as v from 'valibot'
import type { JWK } from 'jose'
import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { Role } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { ProviderTokens } from './types.ts'

/**
 * Tokens as stored, with the time they were obtained, because how early they are refreshed depends on their lifetime.
 */
export interface KeptTokens extends ProviderTokens {
  obtainedAt: UnixMs
  /** The roles that the provider last reported: only a change of these changes roles here. null: it reported none */
  roles: Role[] | null
}

/**
 * Which tokens of a provider are needed. `recheckMs`: how often its users are rechecked; null: only when they sign in.
 */
export interface Needs {
  access: boolean
  idToken: boolean
  recheckMs: number | null
}

/** Some providers list all of a user's groups in a token, but none is longer than this. */
const MAX_LENGTH = 128 * 1024

const Kept = v.object({
  accessToken: v.string(),
  refreshToken: v.nullable(v.string()),
  idToken: v.nullable(v.string()),
  tokenType: v.picklist(['Bearer', 'DPoP']),
  scope: v.nullable(v.string()),
  accessEndsAt: v.nullable(v.number()),
  dpopKey: v.nullable(v.custom<JWK>(value => typeof value === 'object' && value !== null)),
  obtainedAt: v.number(),
  roles: v.optional(v.nullable(v.array(Role)), null),
})

/**
 * Seals tokens for their row, so that they cannot be opened in another.
 * @throws Problem `provider_answer_invalid` if the tokens are too long
 */
export function sealTokens(keyring: Keyring, grantId: string, tokens: KeptTokens): string {
  const payload = { ...tokens }
  if (JSON.stringify(payload).length > MAX_LENGTH)
    throw new Problem('provider_answer_invalid', {}, new Error('the tokens are too long to store'))
  return keyring.seal('at-rest', payload, grantId)
}

/** @returns null if none are stored, the key is gone, or they were sealed for another row */
export async function openTokens(
  keyring: Keyring,
  row: { id: string; sealed: string | null } | null,
): Promise<KeptTokens | null> {
  if (row === null || row.sealed === null) return null
  const opened = v.safeParse(Kept, await keyring.open('at-rest', row.sealed, row.id))
  return opened.success ? opened.output : null
}

/**
 * Reduces tokens to what is needed. The refresh token is enough to recheck a user.
 * @returns null if nothing is needed
 */
export function neededOf(tokens: KeptTokens, needs: Needs): KeptTokens | null {
  if (needs.access) return tokens
  const refreshToken = needs.recheckMs === null ? null : tokens.refreshToken
  const idToken = needs.idToken || refreshToken !== null ? tokens.idToken : null
  if (refreshToken === null && idToken === null) return null
  return {
    ...tokens,
    accessToken: '',
    accessEndsAt: null,
    refreshToken,
    idToken,
    dpopKey: refreshToken === null ? null : tokens.dpopKey,
  }
}

/**
 * What to keep of revoked tokens: enough to sign out at the provider.
 * @returns null: nothing
 */
export function withoutAccess(tokens: KeptTokens): KeptTokens | null {
  return tokens.idToken === null
    ? null
    : { ...tokens, accessToken: '', refreshToken: null, accessEndsAt: null, dpopKey: null }
}
