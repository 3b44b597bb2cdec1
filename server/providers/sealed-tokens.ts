import * as v from 'valibot'
import type { JWK } from 'jose'
import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { Role } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { ProviderTokens } from './types.ts'

/**
 * Tokens as they are kept: with the time at which they were got, since "shortly before their end" depends on how long
 * they live.
 */
export interface KeptTokens extends ProviderTokens {
  obtainedAt: UnixMs
  /**
   * What the provider last said of the person's roles here: only what changes there changes anything here. null: it did
   * not say
   */
  roles: Role[] | null
}

/**
 * Which tokens of a provider anything here needs. `recheckMs`: how often its people are looked at again; null: only at
 * sign-ins.
 */
export interface Needs {
  access: boolean
  idToken: boolean
  recheckMs: number | null
}

/** Some providers put every group that a person is in into a token; past this it is no token any more. */
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
 * Seals tokens for their row: in another row they cannot be opened.
 * @throws Problem `provider_answer_invalid` for tokens too long to be any
 */
export async function sealTokens(keyring: Keyring, rowId: string, tokens: KeptTokens): Promise<string> {
  const payload = { ...tokens }
  if (JSON.stringify(payload).length > MAX_LENGTH)
    throw new Problem('provider_answer_invalid', {}, new Error('the tokens are too long to store'))
  return keyring.seal('at-rest', payload, rowId)
}

/** @returns null where none are kept, when the key is gone, or when they were sealed for another row */
export async function openTokens(
  keyring: Keyring,
  row: { id: string; sealed: string | null } | null,
): Promise<KeptTokens | null> {
  if (row === null || row.sealed === null) return null
  const opened = v.safeParse(Kept, await keyring.open('at-rest', row.sealed, row.id))
  return opened.success ? opened.output : null
}

/**
 * What is kept of tokens: what something here needs and no more. To look at a person again, the refresh token is
 * enough.
 * @returns null: nothing
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
 * What is left of tokens that were given back: enough to sign out at the provider.
 * @returns null: nothing
 */
export function withoutAccess(tokens: KeptTokens): KeptTokens | null {
  return tokens.idToken === null
    ? null
    : { ...tokens, accessToken: '', refreshToken: null, accessEndsAt: null, dpopKey: null }
}
