const LENGTH = 40
/** More than any 40 characters that a person would type; a long note is not cut up to show its beginning. */
const LOOKED_AT = 400

/** The beginning of a note, to tell it from the others. Cut between characters as people see them: a family of emoji stays whole. */
export function excerpt(text: string): string {
  const line = text.slice(0, LOOKED_AT).replaceAll(/\s+/g, ' ').trim()
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment)
  return characters.length <= LENGTH ? line : `${characters.slice(0, LENGTH).join('').trimEnd()}…`
}
