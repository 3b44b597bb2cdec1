import { randomBytes } from 'node:crypto'
import { plainCode } from './totp.ts'

/** How many are made at once. */
export const RECOVERY_CODES = 10
/** With so few left, their owner is asked to make new ones. */
export const FEW_RECOVERY_CODES = 3
/** Crockford's base32: no letter that looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** 80 bits. */
const LENGTH = 16
const GROUP = 4

/** A new code as it is shown: `7d3k-0wq2-…`. */
export function newRecoveryCode(): string {
  const letters = Array.from(randomBytes(LENGTH), byte => ALPHABET[byte % ALPHABET.length] ?? '')
  return Array.from({ length: LENGTH / GROUP }, (_, n) => letters.slice(n * GROUP, (n + 1) * GROUP).join('')).join('-')
}

/**
 * As people type it: in capitals, without dashes, with letters that look like its digits.
 * @returns null if it cannot be a code
 */
export function plainRecoveryCode(typed: string): string | null {
  const plain = plainCode(typed).toLowerCase().replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return plain.length === LENGTH && [...plain].every(letter => ALPHABET.includes(letter)) ? plain : null
}
