/**
 * What tokens look like, so that a search can tell one from any other text. Sealed and signed ones (JWE, JWT) begin
 * with the base64url of `{"`; our refresh token is an id, a number and a tag. Text of ours that is shown to people has
 * none of these.
 */
const TOKEN =
  /(?<![\w.-])(?:eyJ[\w-]{8,}\.[\w-]*\.[\w-]+(?:\.[\w-]+\.[\w-]+)?|[\w-]{22}\.[1-9]\d{0,9}\.[\w-]{43})(?![\w-])/g

/** Our own refresh token, of which the number in the middle is the generation. */
const REFRESH = /^[\w-]{22}\.([1-9]\d{0,9})\.[\w-]{43}$/

/** @returns every piece of a text that has the shape of a token */
export function tokensIn(text: string): string[] {
  return text.match(TOKEN) ?? []
}

/** @returns the generation of a refresh token of ours; null for any other text */
export function generationOf(text: string): number | null {
  const generation = REFRESH.exec(text)?.[1]
  return generation === undefined ? null : Number(generation)
}
