import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ranks } from './common-words.ts'
import { isFamousPhrase, isFamousWord, LONGEST_FAMOUS } from './famous.ts'
import { fold, isWalk, latinKeys } from './keyboards.ts'

/** How many guesses a password takes, in bits. `personal`: it consists of words related to the person or the site. */
export interface Strength {
  bits: number
  personal: boolean
}

/** Bits per character that no pattern explains. */
const DIGIT = 3.3
const LETTER = 4.7
const MARK = 5
/** For a letter of a non-Latin alphabet, of kana, or a key of hangul. */
const FOREIGN_LETTER = 5
const OTHER = 8
/** Bits of a pattern that explains several characters at once. */
const PERSONAL = 1
const AGAIN = 1
const EARLIER = 4
const RUN = 5
const YEAR = 7
const DATE = 14
const REWRITTEN = 1
/** Guessing which words are joined costs something, too. */
const JOINED = 1.5
/** A word or phrase that is among the first guesses in its language. */
const FAMOUS_WORD = 7
const FAMOUS_PHRASE = 8

const SHORTEST_WORD = 3
const LONGEST_WORD = Math.max(24, LONGEST_FAMOUS)
/**
 * Longer text costs time without adding information: of a longer password both ends are judged, and the stronger one
 * counts.
 */
const LOOKED_AT = 64

/** Characters that stand for letters, one for one, so that positions stay the same. */
const LEET: Record<string, string> = {
  '@': 'a',
  '4': 'a',
  '8': 'b',
  '(': 'c',
  '3': 'e',
  '€': 'e',
  '6': 'g',
  '9': 'g',
  '!': 'i',
  '1': 'i',
  '|': 'l',
  '0': 'o',
  $: 's',
  '5': 's',
  '+': 't',
  '7': 't',
  '2': 'z',
}

/** @param context folded words related to the person and the site */
export async function strengthOf(password: string, ranks: Ranks, context: ReadonlySet<string>): Promise<Strength> {
  const folded = fold(password)
  const ends = folded.length <= LOOKED_AT ? [folded] : [folded.slice(0, LOOKED_AT), folded.slice(-LOOKED_AT)]
  let strongest: Strength = { bits: 0, personal: false }
  for (const end of ends) {
    const whole = await judge(end, ranks, context)
    const strength = weaker(whole, await withoutMarks(end, ranks, context))
    if (strength.bits >= strongest.bits) strongest = strength
  }
  return strongest
}

const weaker = (one: Strength, other: Strength | null) => (other !== null && other.bits < one.bits ? other : one)

/** The same without separators between letters and digits: one separator repeated throughout adds little. */
async function withoutMarks(text: string, ranks: Ranks, context: ReadonlySet<string>): Promise<Strength | null> {
  const marks = text.match(/[^\p{L}\p{N}]/gu) ?? []
  if (marks.length === 0 || marks.length === text.length) return null
  const { bits, personal } = await judge(text.replaceAll(/[^\p{L}\p{N}]/gu, ''), ranks, context)
  return { bits: bits + (new Set(marks).size === 1 ? MARK + REWRITTEN : marks.length * (MARK - 1)), personal }
}

/** Positions judged per turn of the event loop, so that other requests are handled in between. */
const SLICE = 16

/** The cheapest combination of patterns from left to right. */
async function judge(text: string, ranks: Ranks, context: ReadonlySet<string>): Promise<Strength> {
  await nextTurn()
  const price = pricing(text, ranks, context)
  const best: Strength[] = [{ bits: 0, personal: false }]
  for (let end = 1; end <= text.length; end++) {
    let cheapest: Strength = { bits: Infinity, personal: false }
    for (let start = 0; start < end; start++) {
      const before = best[start]
      if (before === undefined || before.bits >= cheapest.bits) continue
      const piece = price(start, end)
      if (piece === null || before.bits + piece.bits >= cheapest.bits) continue
      cheapest = { bits: before.bits + piece.bits, personal: before.personal || piece.personal }
    }
    best[end] = cheapest
    if (end % SLICE === 0) await nextTurn()
  }
  return best[text.length] ?? { bits: 0, personal: false }
}

/** The cost of one piece, from `start` to before `end`; null: no pattern explains it. */
function pricing(text: string, ranks: Ranks, context: ReadonlySet<string>) {
  // A 1 may stand for either of two letters.
  const leet = ['i', 'l'].map(one => text.replaceAll(/[^a-z]/g, sign => (sign === '1' ? one : (LEET[sign] ?? sign))))
  const readings = [...new Set([text, ...leet, ...latinKeys(text)])]
  const longest = Math.max(LONGEST_WORD, ...[...context].map(word => word.length))

  function word(start: number, end: number): Strength | null {
    let found: Strength | null = null
    for (const reading of readings) {
      const piece = reading.slice(start, end)
      if (context.has(piece)) return { bits: PERSONAL, personal: true }
      const rewritten = reading === text ? 0 : REWRITTEN
      const bits =
        Math.min(commonness(piece), commonness(backwards(piece)) + 1) + rewritten + (start === 0 ? 0 : JOINED)
      if (bits < (found?.bits ?? Infinity)) found = { bits, personal: false }
    }
    return found
  }

  function commonness(piece: string): number {
    const famous = isFamousWord(piece) ? FAMOUS_WORD : isFamousPhrase(piece) ? FAMOUS_PHRASE : Infinity
    return Math.min(famous, Math.log2((ranks.get(piece) ?? Infinity) + 1))
  }

  return (start: number, end: number): Strength | null => {
    const length = end - start
    if (length === 1) return plainly(signBits(text.charAt(start)))
    const piece = text.slice(start, end)
    const [least] = [
      text.slice(start - length, start) === piece && start >= length ? plainly(AGAIN) : null,
      length >= SHORTEST_WORD && text.indexOf(piece) + length <= start ? plainly(EARLIER) : null,
      length >= SHORTEST_WORD && isRun(piece) ? plainly(RUN) : null,
      DATES.test(piece) ? plainly(length === 4 ? YEAR : DATE) : null,
      length >= 2 && length <= longest ? word(start, end) : null,
    ]
      .filter(one => one !== null)
      .sort((one, other) => one.bits - other.bits)
    return least ?? null
  }
}

const plainly = (bits: number): Strength => ({ bits, personal: false })
const backwards = (piece: string) => [...piece].reverse().join('')

/** A year, or a date with one, in the usual orders. */
const DATES = /^(?:(?:19|20)\d\d|(?:19|20)\d\d[01]\d[0-3]\d|[0-3]\d[01]\d(?:19|20)\d\d|[01]\d[0-3]\d(?:19|20)\d\d)$/

function signBits(sign: string): number {
  if (sign >= '0' && sign <= '9') return DIGIT
  if (sign >= 'a' && sign <= 'z') return LETTER
  if (sign <= '\x7f') return MARK
  return /[\p{L}\p{N}]/u.test(sign) && !/\p{Script=Han}/u.test(sign) ? FOREIGN_LETTER : OTHER
}

/**
 * Whether it follows a keyboard, or even steps through an alphabet or digits. The order of Han characters is not a
 * habit.
 */
function isRun(piece: string): boolean {
  if (isWalk(piece)) return true
  const step = piece.charCodeAt(1) - piece.charCodeAt(0)
  if (step === 0 || Math.abs(step) > 3 || !/^[\p{L}\p{N}]+$/u.test(piece) || /\p{Script=Han}/u.test(piece)) return false
  for (let n = 2; n < piece.length; n++) if (piece.charCodeAt(n) - piece.charCodeAt(n - 1) !== step) return false
  return true
}
