/**
 * The name under which a cookie comes back to a server. A nameless one (`Set-Cookie: =a=b`) comes back as `a=b`, so
 * what follows the leading equals signs is its name as far as whoever reads it is concerned.
 * @param text of a `Set-Cookie` header, or one pair of a `Cookie` header
 * @see RFC 6265bis §5.6, §5.7
 */
export function cookieNameOf(text: string): string {
  const named = text.replace(/^[\s=]+/, '')
  const end = named.search(/[=;]/)
  return (end === -1 ? named : named.slice(0, end)).trim()
}
