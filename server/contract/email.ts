import * as v from 'valibot'

export const MAX_EMAIL_LENGTH = 254

/**
 * What `<input type=email>` takes (HTML Living Standard, "valid e-mail address"), and the same with a domain of any
 * script, which browsers turn into punycode before they send it.
 */
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?`
const ADDRESS = new RegExp(String.raw`^[a-zA-Z0-9.!#$%&'*+/=?^_\x60{|}~-]+@${LABEL}(?:\.${LABEL})*$`, 'u')

/** An address as it was typed, without the space around it. */
export const Email = v.pipe(v.string(), v.trim(), v.maxLength(MAX_EMAIL_LENGTH), { ...v.email(), requirement: ADDRESS })
