/**
 * Mails to an address rather than to an account: most carry something to act on. `email_verify` and `email_change` ask
 * to confirm an address; `email_in_use` says that another account wanted it; `email_changed` and `email_replaced` go to
 * the address that an account had before, the former with the means to restore it; `email_restored` to the one that then
 * loses it.
 */
const LETTERS = [
  'reset',
  'reset_elsewhere',
  'invitation',
  'email_verify',
  'email_change',
  'email_in_use',
  'email_changed',
  'email_replaced',
  'email_restored',
  'test',
] as const

/** Mails that tell people what happened to their account (ASVS 6.3.7); each is named as its event in the security log. */
export const NOTICES = [
  'new_device',
  'refresh_reuse',
  'password_changed',
  'password_reset',
  'password_locked',
  'identity_linked',
  'identity_unlinked',
  'totp_added',
  'totp_removed',
  'passkey_added',
  'passkey_removed',
  'passkey_copied',
  'recovery_codes_made',
  'recovery_code_used',
  'recovery_codes_low',
  'factors_reset',
  'second_factor_locked',
  'account_disabled',
  'account_enabled',
] as const
export type Notice = (typeof NOTICES)[number]

export const MAIL_KINDS = [...LETTERS, ...NOTICES] as const
export type MailKind = (typeof MAIL_KINDS)[number]

export function isNotice(kind: string): kind is Notice {
  return NOTICES.some(notice => notice === kind)
}
