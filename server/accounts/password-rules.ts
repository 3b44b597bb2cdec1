import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../base/problem.ts'
import { NAME } from '../contract/name.ts'
import { MAX_PASSWORD_LENGTH } from '../contract/wire.ts'
import { commonWords } from './common-words.ts'

/**
 * Checks new passwords for length and guessability. Which kinds of characters they contain does not matter (ASVS
 * 6.2.5).
 */
export interface PasswordRules {
  /**
   * @throws Problem `password_too_short`, `password_too_long`, `password_common`, `password_personal`, each with a
   * detail
   */
  check(password: string, person: { email: string | null; name: string }): Promise<void>
}

/** A password that takes fewer guesses is refused: 2²⁸ is more than the throttle allows in a thousand years. */
const ENOUGH_BITS = 28

/**
 * @param minLength in code points, as is the maximum
 * @param publicUrl its words and those of the brand are easy to guess
 */
export function createPasswordRules(config: {
  passwordMinLength: number
  publicUrl: string
  brand: { name: string }
}): PasswordRules {
  const { passwordMinLength: minLength, publicUrl, brand } = config
  const site = [NAME, ...wordsOf(new URL(publicUrl).hostname, 4), ...wordsOf(brand.name, 3)]

  return {
    async check(password, { email, name }) {
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
      if (bits >= ENOUGH_BITS) return
      if (personal)
        throw new Problem('password_personal', {
          detail: 'It is mostly your own name or e-mail address, or the name of this site.',
        })
      throw new Problem('password_common', {
        detail: 'It is a variation of a common password or a keyboard pattern.',
      })
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
