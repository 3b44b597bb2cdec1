import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** The list as its package ships it: one JSON array of lower-case ASCII strings. It is searched as the text that it is:
 * half a megabyte, where the same strings in a Set take ten times that. */
const LIST = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json')

/** Rows of keys, as fingers walk over them in either direction. */
const WALK = '1234567890qwertyuiopasdfghjklzxcvbnm'
const WALKS = [WALK, [...WALK].reverse().join('')]

let text: Promise<string> | null = null

/** `listed`: on the list as it stands. `derived`: made of such a one, or of a row of keys, by the first thing that comes
 * to mind when it is too short: typing it again, going on, or adding a run of digits. */
export type Commonness = 'listed' | 'derived'

/** Whether a whole password is one of those that everybody tries first. Parts are not looked at: a long password that
 * happens to hold a common word is fine (NIST SP 800-63B-4 §3.1.1.2). Few lists have passwords of fifteen characters,
 * and people who must type so many begin with these.
 * @returns null when it is not */
export async function commonness(password: string): Promise<Commonness | null> {
  text ??= readFile(LIST, 'latin1')
  const list = await text.catch((error: unknown) => {
    text = null
    throw error
  })
  const isListed = (candidate: string) => list.includes(JSON.stringify(candidate))
  const folded = password.normalize('NFC').toLowerCase()
  if (isListed(folded)) return 'listed'

  const isFirstThought = (part: string): boolean => {
    const unit = repeatedUnit(part)
    return isRun(part) || isListed(part) || (unit !== null && ([...unit].length === 1 || isRun(unit) || isListed(unit)))
  }
  const [, word = '', digits = ''] = /^(.*?)(\d*)$/su.exec(folded) ?? []
  return isFirstThought(folded) || (isListed(word) && isFirstThought(digits)) ? 'derived' : null
}

/** Whether it only goes up, or down, through the digits or the alphabet, or along the keyboard. */
function isRun(part: string): boolean {
  if (part.length < 3) return false
  return WALKS.some(walk => walk.includes(part)) || goesOn(part, '0123456789') || goesOn(part, 'abcdefghijklmnopqrstuvwxyz')
}

function goesOn(part: string, alphabet: string): boolean {
  const places = [...part].map(sign => alphabet.indexOf(sign))
  if (places.includes(-1)) return false
  const steps = new Set(places.slice(1).map((place, n) => (place - (places[n] ?? 0) + alphabet.length) % alphabet.length))
  return steps.size === 1 && (steps.has(1) || steps.has(alphabet.length - 1))
}

/** The shortest string that `part` is a repetition of, or null when it is none. */
function repeatedUnit(part: string): string | null {
  // A string that stands in its own double, other than at its ends, repeats with that period.
  const period = (part + part).indexOf(part, 1)
  return period > 0 && period < part.length ? part.slice(0, period) : null
}
