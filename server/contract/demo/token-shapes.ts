/**
 * The shapes of tokens, which tell one from other text. JWEs and JWTs begin with the base64url of `{"`; our refresh
 * token is an id, a number and a tag. No text that we show to users matches them.
 */
const TOKEN =
  /(?<![\w.-])(?:eyJ[\w-]{8,}\.[\w-]*\.[\w-]+(?:\.[\w-]+\.[\w-]+)?|[\w-]{22}\.[1-9]\d{0,9}\.[\w-]{43})(?![\w-])/g

/** Our refresh token; the number in the middle is its generation. */
const REFRESH = /^[\w-]{22}\.([1-9]\d{0,9})\.[\w-]{43}$/

/** @returns every substring that has the shape of a token */
export function tokensIn(text: string): string[] {
  return text.match(TOKEN) ?? []
}

/** @returns the generation of one of our refresh tokens, or null for any other text */
export function generationOf(text: string): number | null {
  const generation = REFRESH.exec(text)?.[1]
  return generation === undefined ? null : Number(generation)
}
