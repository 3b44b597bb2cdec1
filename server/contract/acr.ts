/**
 * How well it is known who has signed in: with one factor, or with several (the levels of NIST SP 800-63B-4, as an
 * `acr` of OpenID Connect Core §2 and RFC 9470).
 */
export const ACR_VALUES = ['aal1', 'aal2'] as const
export type Acr = (typeof ACR_VALUES)[number]

/**
 * The level of a session that was opened by these methods (RFC 8176). Our own sign-ins have
 * - `pwd`: a password
 * - `otp`: a code of an authenticator app, or a recovery code
 * - `pop`: a passkey, whose key may be in hardware or not: without attestation nobody knows
 * - `user`: a passkey whose owner touched it; `mfa`, too, if it verified who they are by a PIN or biometrics
 * - `mfa`: factors of two kinds
 */
export function acrOf(amr: readonly string[]): Acr {
  return amr.includes('mfa') ? 'aal2' : 'aal1'
}

/** Those of a passkey on its own. */
export function passkeyAmr(userVerified: boolean): string[] {
  return userVerified ? ['pop', 'user', 'mfa'] : ['pop', 'user']
}

/** Those of a sign-in that another factor completes: of different kinds, since a password can only come first. */
export function withFactor(first: readonly string[], second: readonly string[]): string[] {
  return [...new Set([...first, ...second, 'mfa'])]
}

/** Whether a level is enough. */
export function reaches(acr: Acr, required: Acr): boolean {
  return ACR_VALUES.indexOf(acr) >= ACR_VALUES.indexOf(required)
}
