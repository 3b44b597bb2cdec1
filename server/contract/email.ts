import * as v from 'valibot'

export const MAX_EMAIL_LENGTH = 254

/**
 * The grammar of `<input type=email>` (HTML Living Standard, "valid e-mail address"), extended to domains in any
 * script, which browsers convert to punycode before they submit them.
 */
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?`
const ADDRESS = new RegExp(String.raw`^[a-zA-Z0-9.!#$%&'*+/=?^_\x60{|}~-]+@${LABEL}(?:\.${LABEL})*$`, 'u')

/** An e-mail address as typed, trimmed. */
export const Email = v.pipe(v.string(), v.trim(), v.maxLength(MAX_EMAIL_LENGTH), { ...v.email(), requirement: ADDRESS })
