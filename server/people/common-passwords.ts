import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** The list as its package ships it: one JSON array of lower-case ASCII strings. It is searched as the text that it is:
 * half a megabyte, where the same strings in a Set take ten times that. */
const LIST = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json')

let text: Promise<string> | null = null

export type Commonness = 'listed' | 'repeated'

/** Whether a whole password is one of the ones that everybody tries first, or nothing but such a one over and over.
 * Parts are not looked at: a long password that happens to hold a word is fine (NIST SP 800-63B-4 §3.1.1.2).
 * @returns null when it is neither */
export async function commonness(password: string): Promise<Commonness | null> {
  text ??= readFile(LIST, 'latin1')
  const list = await text.catch((error: unknown) => {
    text = null
    throw error
  })
  const folded = password.normalize('NFC').toLowerCase()
  if (list.includes(JSON.stringify(folded))) return 'listed'
  const unit = repeatedUnit(folded)
  if (unit === null) return null
  return [...unit].length === 1 || list.includes(JSON.stringify(unit)) ? 'repeated' : null
}

/** The shortest string that `text` is a repetition of, or null when it is none. */
function repeatedUnit(text: string): string | null {
  // A string that stands in its own double, other than at its ends, repeats with that period.
  const period = (text + text).indexOf(text, 1)
  return period < text.length ? text.slice(0, period) : null
}
