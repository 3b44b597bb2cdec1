const LENGTH = 40
/**
 * More code units than 40 characters ever take in practice, so that a long note is not scanned to its end.
 */
const LOOKED_AT = 1000
const characters = new Intl.Segmenter()

/**
 * The beginning of a note, cut between characters as people see them: an emoji sequence stays whole.
 */
export function excerpt(text: string): string {
  const line = text.slice(0, LOOKED_AT).replaceAll(/\s+/g, ' ').trim()
  let count = 0
  for (const { index } of characters.segment(line)) {
    if (count++ === LENGTH) return `${line.slice(0, index).trimEnd()}…`
  }
  return line
}
