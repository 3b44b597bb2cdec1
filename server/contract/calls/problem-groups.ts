import type { ProblemCode } from '../problem-codes.ts'

// Problems that come together, wherever the same thing is done.

/** Setting a password. */
export const PASSWORD_RULES = [
  'invalid_body',
  'password_too_short',
  'password_too_long',
  'password_common',
  'password_personal',
  'password_breached',
  'busy',
] as const satisfies readonly ProblemCode[]

/** Comparing a password. */
export const PASSWORD_CHECK = [
  'invalid_credentials',
  'password_locked',
  'slow_down',
  'busy',
] as const satisfies readonly ProblemCode[]

/** Opening a session. */
export const OPENING = ['account_disabled', 'invalid_credentials', 'login_expired', 'slow_down'] as const

/** Verifying the use of a passkey. */
export const PASSKEY_USE = [
  'passkey_of_another',
  'passkey_refused',
  'passkey_unknown',
  'user_verification_required',
] as const satisfies readonly ProblemCode[]

/** Asking a provider, or the API that manages the accounts. */
export const PROVIDER_CALL = [
  'provider_answer_invalid',
  'provider_misconfigured',
  'provider_refused',
  'provider_unavailable',
] as const satisfies readonly ProblemCode[]

/** Finding or creating the account of somebody whom a provider or that API has identified. */
export const PROVIDER_ACCOUNT = [
  'email_taken',
  'identity_taken',
  'invalid_code',
  'invite_required',
  'limit_reached',
  'link_required',
  'not_admitted',
  'provider_sign_in_required',
  'registration_closed',
] as const satisfies readonly ProblemCode[]

/** Comparing a code of a second factor. */
export const CODE_CHECK = [
  'incorrect_code',
  'clock_differs',
  'second_factor_locked',
  'login_expired',
  'slow_down',
  'busy',
] as const satisfies readonly ProblemCode[]

/** Adding or removing a second factor. */
export const FACTOR_CHANGE = ['reauthentication_required', 'account_disabled'] as const satisfies readonly ProblemCode[]
