/**
 * The name under which a cookie returns to a server. A nameless cookie (`Set-Cookie: =a=b`) returns as `a=b`, so its
 * reader takes the part after the leading equals signs for the name.
 * @param text of a `Set-Cookie` header, or one pair of a `Cookie` header
 * @see RFC 6265bis §5.6, §5.7
 */
export function cookieNameOf(text: string): string {
  const named = text.replace(/^[\s=]+/, '')
  const end = named.search(/[=;]/)
  return (end === -1 ? named : named.slice(0, end)).trim()
}
