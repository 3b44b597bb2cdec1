const LENGTH = 40
/**
 * More than 40 characters ever take that a person would type: a long note is not gone through to show its beginning.
 */
const LOOKED_AT = 1000
const characters = new Intl.Segmenter()

/**
 * The beginning of a note, to tell it from the others. Cut between characters as people see them: a family of emoji
 * stays whole.
 */
export function excerpt(text: string): string {
  const line = text.slice(0, LOOKED_AT).replaceAll(/\s+/g, ' ').trim()
  let count = 0
  for (const { index } of characters.segment(line)) {
    if (count++ === LENGTH) return `${line.slice(0, index).trimEnd()}…`
  }
  return line
}
