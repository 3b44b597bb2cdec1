import type { EndReason } from '../../../../server/contract/end-reasons.ts'

/** When a session ends for each reason. */
export const END_REASON_TEXTS: Record<EndReason, string> = {
  signed_out: 'its owner signed out',
  signed_out_elsewhere: 'its owner ended it from the list of devices',
  idle: 'no request for `idleSeconds` or `browserIdleSeconds`',
  absolute: 'its maximum lifetime, `absoluteSeconds`, was over',
  refresh_reuse:
    'a refresh token was presented that had been replaced: the cookies were copied, or restored from a copy',
  password_changed: 'the password was changed or reset',
  disabled: 'an administrator disabled the account',
  provider_logout: 'the provider reported that its owner signed out there',
  provider_revoked: 'the provider, or the token API, no longer accepts the grant',
  provider_refresh_lost: 'the response to a refresh at the provider was lost, and its tokens with it',
  replaced: 'its owner signed in again, or confirmed their identity, in the same browser',
  store_rolled_back: 'an older database was restored',
  keys_compromised: 'an operator ran `porchlight key rotate --compromised`',
  admin: 'an administrator or operator ended it',
  too_many: 'the account had more than `maxSessions`; this one was idle longest',
}
