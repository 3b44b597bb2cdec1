/**
 * The cookies of a `Cookie` header or of `document.cookie` that can be read, by name; the first of a name counts.
 * Anybody who owns a sibling host can set cookies here: a value that is not well escaped is no cookie.
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
