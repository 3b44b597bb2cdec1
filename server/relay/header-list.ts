/**
 * Splits a list header at commas, except those within quotes or, where a header has them, angle brackets. A single
 * pass, because upstreams write the input.
 * @returns null if a quote or bracket is not closed, so that the elements are ambiguous
 * @see RFC 9110 §5.6.1
 */
export function elementsOf(line: string, hasBrackets: boolean): string[] | null {
  const elements: string[] = []
  let start = 0
  let closing = ''
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? ''
    if (closing === '"' && character === '\\') i++
    else if (closing !== '') closing = character === closing ? '' : closing
    else if (character === '"') closing = '"'
    else if (hasBrackets && character === '<') closing = '>'
    else if (character === ',') {
      elements.push(line.slice(start, i))
      start = i + 1
    }
  }
  if (closing !== '') return null
  elements.push(line.slice(start))
  return elements.map(element => element.trim()).filter(element => element !== '')
}
