import * as v from 'valibot'

const NAME_FORM = 'the name of a header for tokens, such as X-Access-Token, and none that HTTP or the relay needs'
const SCHEME_FORM = 'the word before the token, such as Token; an empty text for none'
const HEADER_FORM = "a name and perhaps a scheme, such as { name: 'X-Access-Token' }"

/** Headers that frame messages, name hosts or origins, or are set by the relay: a token there would break the call. */
const TAKEN =
  /^(?:accept|access-control|alt|cache|connection|content|cookie|cookie2|date|dpop|expect|forwarded|from|host|http2|if|keep-alive|origin|proxy|range|referer|sec|set-cookie|te|trailer|transfer|upgrade|user-agent|via|x-forwarded|x-request-id|x-real-ip)(?:-|$)/

/** `tokenHeader` of an upstream or token API, as an operator writes it. */
export const TokenHeaderSetting = v.strictObject(
  {
    name: v.pipe(
      v.string(NAME_FORM),
      v.regex(/^[A-Za-z][\w-]{0,99}$/, NAME_FORM),
      v.check(name => !TAKEN.test(name.toLowerCase().replaceAll('_', '-')), NAME_FORM),
    ),
    scheme: v.exactOptional(v.pipe(v.string(SCHEME_FORM), v.regex(/^[\w.+-]{0,50}$/, SCHEME_FORM))),
  },
  HEADER_FORM,
)

/** Where a token goes instead of `Authorization: Bearer`. */
export interface TokenHeader {
  name: string
  /** null: the token stands alone. */
  scheme: string | null
}

/** @returns null: `Authorization`, with the token's own scheme */
export function toTokenHeader(setting: v.InferOutput<typeof TokenHeaderSetting> | undefined): TokenHeader | null {
  if (setting === undefined) return null
  const { name, scheme = name.toLowerCase() === 'authorization' ? 'Bearer' : '' } = setting
  return { name, scheme: scheme === '' ? null : scheme }
}

/** The value of the header for a token. */
export function tokenHeaderValue({ scheme }: TokenHeader, token: string): string {
  return scheme === null ? token : `${scheme} ${token}`
}
