import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../base/problem.ts'
import { NAME } from '../contract/name.ts'
import { MAX_PASSWORD_LENGTH } from '../contract/wire.ts'
import { commonWords } from './common-words.ts'

/**
 * Judges new passwords: their length, and that they are not among those that are tried first. Which characters one is
 * made of is nobody's business (ASVS 6.2.5).
 */
export interface PasswordRules {
  /**
   * @throws Problem `password_too_short`, `password_too_long`, `password_common`, `password_personal`, each with a
   * detail
   */
  check(password: string, person: { email: string | null; name: string }): Promise<void>
}

/**
 * A password that fewer guesses lead to is refused: 2²⁸ is more than the throttle lets anybody make in a thousand
 * years.
 */
const ENOUGH_BITS = 28

/**
 * @param minLength in code points, as is the upper bound
 * @param publicUrl whose words are no secret
 */
export function createPasswordRules(config: { passwordMinLength: number; publicUrl: string }): PasswordRules {
  const { passwordMinLength: minLength, publicUrl } = config
  const site = [NAME, ...wordsOf(new URL(publicUrl).hostname, 4)]

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
      // Few set a password, so a start does not wait for these. Together they would hold the event loop for too long.
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

/** The text as a whole, as one word, and each word of it. Scripts without capitals make words of two characters. */
function wordsOf(text: string, shortest: number): string[] {
  const parts = text.split(/[^\p{L}\p{N}]+/u)
  return [text, parts.join(''), ...parts].filter(part => part.length >= (/^[\x20-\x7e]*$/.test(part) ? shortest : 2))
}
