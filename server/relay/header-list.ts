/**
 * The elements of a header that is a list: what stands between commas that are neither quoted nor, where a header has
 * such, in angle brackets. Read in one pass, since an upstream writes them.
 * @returns null: a quote or a bracket has no end, so that nobody can say where an element ends
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
