/**
 * The decodable cookies of a `Cookie` header or of `document.cookie`, by name; the first of a name wins. Any sibling
 * host can set cookies for this one, so a value with invalid escapes is ignored.
 */
export function readableCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    const value = decoded(pair.slice(equals + 1).trim())
    if (value !== null && !cookies.has(name)) cookies.set(name, value)
  }
  return cookies
}

export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
