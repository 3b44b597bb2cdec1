import * as v from 'valibot'

/** Why a session ended. Kept with the session for 90 days and shown to its user, so never a secret. */
export const END_REASONS = [
  'signed_out',
  'signed_out_elsewhere',
  'idle',
  'absolute',
  'refresh_reuse',
  'password_changed',
  'disabled',
  'provider_logout',
  'provider_revoked',
  'provider_refresh_lost',
  'replaced',
  'store_rolled_back',
  'keys_compromised',
  'admin',
  'too_many',
] as const

export const EndReason = v.picklist(END_REASONS)
export type EndReason = v.InferOutput<typeof EndReason>
