import { Secret as OtpSecret, TOTP } from 'otpauth'
import type { UnixMs } from '../base/clock.ts'

/** What every authenticator app supports; many ignore anything else in the URI. */
const FORM = { algorithm: 'SHA1', digits: 6, period: 30 } as const
/** RFC 4226 §4 recommends 160 bits. */
const SECRET_BYTES = 20
/** Steps before and after the present one, for the clock of a phone and for typing (RFC 6238 §5.2). */
const WINDOW = 1
/** Steps off by which a code is recognised as one of another time: past ones, and fewer to come, which would still work. */
const RECOGNISED = { past: 10, future: 6 } as const

export type TotpVerdict = { kind: 'right'; step: number } | { kind: 'other_time' } | { kind: 'wrong' }

/** A new secret, in base32. */
export function newTotpSecret(): string {
  return new OtpSecret({ size: SECRET_BYTES }).base32
}

/** The `otpauth:` URI that authenticator apps read. Colons separate issuer and label there, so they have none. */
export function totpUri(secret: string, { issuer, label }: { issuer: string; label: string }): string {
  const plain = (text: string) => text.replaceAll(':', ' ').toWellFormed()
  return new TOTP({
    ...FORM,
    issuer: plain(issuer),
    label: plain(label),
    secret: OtpSecret.fromBase32(secret),
  }).toString()
}

/**
 * Judges a code (RFC 6238). Whether its step was used before is the store's to say.
 * @param code six digits
 */
export function judgeTotp(secret: string, code: string, now: UnixMs): TotpVerdict {
  const at = { ...FORM, token: code, secret: OtpSecret.fromBase32(secret), timestamp: now }
  const step = TOTP.counter({ period: FORM.period, timestamp: now })
  const delta = TOTP.validate({ ...at, window: WINDOW })
  if (delta !== null) return { kind: 'right', step: step + delta }
  const far = TOTP.validate({ ...at, window: RECOGNISED.past })
  return far !== null && far <= RECOGNISED.future ? { kind: 'other_time' } : { kind: 'wrong' }
}

/** As people type and paste codes: with spaces, dashes, or the full-width digits of an input method. */
export function plainCode(typed: string): string {
  return typed.normalize('NFKC').replaceAll(/[\s\p{Dash}\p{Cf}]/gu, '')
}

/** Whether it has the form of an authenticator's code. */
export const isTotpCode = (plain: string): boolean => /^\d{6}$/.test(plain)
