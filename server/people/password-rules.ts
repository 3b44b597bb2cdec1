import { Problem } from '../base/problem.ts'
import { NAME } from '../contract/name.ts'
import { MAX_PASSWORD_LENGTH } from '../contract/wire.ts'
import { commonness } from './common-passwords.ts'

/** Judges a new password: its length, and that it is not one that everybody tries first. Which characters it is made of
 * is nobody's business (ASVS 6.2.5).
 * @param minLength in code points, as is the upper bound
 * @throws Problem `password_too_short`, `password_too_long`, `password_common` with a detail that says why */
export async function checkNewPassword(password: string, minLength: number, person: { email: string | null, name: string }): Promise<void> {
  if (!password.isWellFormed()) throw new Problem('invalid_body', { fields: { password: 'It holds half a character.' } })
  const normal = password.normalize('NFC')
  const length = [...normal].length
  if (length < minLength) throw new Problem('password_too_short', { minLength, detail: `It has ${length} characters; at least ${minLength} are needed.` })
  if (length > MAX_PASSWORD_LENGTH) throw new Problem('password_too_long', { detail: `It has ${length} characters; at most ${MAX_PASSWORD_LENGTH} are taken.` })
  if (isAboutThem(normal, person)) throw new Problem('password_common', { detail: 'It is your own name or e-mail address, or the name of this product.' })
  switch (await commonness(normal)) {
    case 'listed':
      throw new Problem('password_common', { detail: 'It is on the list of passwords that are tried first.' })
    case 'derived':
      throw new Problem('password_common', { detail: 'It is a commonly used password or a row of keys, only made longer.' })
  }
}

function isAboutThem(password: string, { email, name }: { email: string | null, name: string }): boolean {
  const fold = (text: string) => text.normalize('NFC').toLowerCase()
  return [email ?? '', email?.split('@')[0] ?? '', name, NAME].some(word => fold(word) === fold(password))
}
