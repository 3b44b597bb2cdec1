import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../base/problem.ts'
import { NAME } from '../contract/name.ts'
import { MAX_PASSWORD_LENGTH, type PasswordStrength } from '../contract/wire.ts'
import type { BreachedPasswords } from './breached-passwords.ts'
import { commonWords } from './common-words.ts'

/**
 * Checks new passwords for length and guessability. Which kinds of characters they contain does not matter (ASVS
 * 6.2.5).
 */
export interface PasswordRules {
  /**
   * @throws Problem `password_too_short`, `password_too_long`, `password_common`, `password_personal`,
   * `password_breached`, each with a detail
   */
  check(password: string, person: Owner): Promise<void>
  /**
   * What a meter shows while the password is typed: the same, except that no service of leaked passwords is asked, which
   * would learn of every attempt.
   */
  measure(password: string, person: Owner): Promise<PasswordStrength>
}

interface Owner {
  email: string | null
  name: string
}

/** A password that takes fewer guesses is refused: 2²⁸ is more than the throttle allows in a thousand years. */
const ENOUGH_BITS = 28
/** What somebody who has copied the database needs weeks and decades for, at a thousand argon2id hashes a second. */
const GOOD_BITS = 40
const STRONG_BITS = 50

/**
 * @param minLength in code points, as is the maximum
 * @param publicUrl its words and those of the brand are easy to guess
 * @param breached null: no service is asked
 */
export function createPasswordRules(
  config: {
    passwordMinLength: number
    publicUrl: string
    brand: { name: string }
  },
  breached: BreachedPasswords | null,
): PasswordRules {
  const { passwordMinLength: minLength, publicUrl, brand } = config
  const site = [NAME, ...wordsOf(new URL(publicUrl).hostname, 4), ...wordsOf(brand.name, 3)]

  /** @returns the bits of one that keeps the rules */
  async function judge(password: string, { email, name }: Owner): Promise<number> {
    if (!password.isWellFormed())
      throw new Problem('invalid_body', { fields: { password: 'It contains an incomplete character.' } })
    const normal = password.normalize('NFC')
    const length = [...normal].length
    const counted = `It has ${length} characters`
    if (length < minLength)
      throw new Problem('password_too_short', { minLength, detail: `${counted}; it needs at least ${minLength}.` })
    if (length > MAX_PASSWORD_LENGTH)
      throw new Problem('password_too_long', { detail: `${counted}; the limit is ${MAX_PASSWORD_LENGTH}.` })
    // Loaded on demand, because passwords are rarely set, and one after the other, because together they would block
    // the event loop for too long.
    const { fold } = await import('./keyboards.ts')
    await nextTurn()
    const { isWholePhrase } = await import('./famous.ts')
    await nextTurn()
    const { strengthOf } = await import('./password-strength.ts')
    const ranks = await commonWords()
    if (ranks.has(fold(normal)) || isWholePhrase(normal))
      throw new Problem('password_common', { detail: 'It is on the list of common passwords.' })
    const told = [name, email ?? '', email?.split('@')[0] ?? '']
    const context = new Set([...site, ...told.flatMap(one => wordsOf(one, 3))].map(fold))
    const { bits, personal } = await strengthOf(normal, ranks, context)
    if (bits >= ENOUGH_BITS) return bits
    if (personal)
      throw new Problem('password_personal', {
        detail: 'It is mostly your own name or e-mail address, or the name of this site.',
      })
    throw new Problem('password_common', {
      detail: 'It is a variation of a common password or a keyboard pattern.',
    })
  }

  return {
    async check(password, person) {
      await judge(password, person)
      if (breached !== null && (await breached.has(password.normalize('NFC'))))
        throw new Problem('password_breached', { detail: 'It was found in a data breach.' })
    },

    async measure(password, person) {
      try {
        const bits = await judge(password, person)
        return { strength: bits < GOOD_BITS ? 'fair' : bits < STRONG_BITS ? 'good' : 'strong', problem: null }
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        return { strength: 'weak', problem: error.code }
      }
    },
  }
}

/**
 * The text as a whole, as one word, and each word of it. In scripts without capitals, words may have two characters.
 */
function wordsOf(text: string, shortest: number): string[] {
  const parts = text.split(/[^\p{L}\p{N}]+/u)
  return [text, parts.join(''), ...parts].filter(part => part.length >= (/^[\x20-\x7e]*$/.test(part) ? shortest : 2))
}
