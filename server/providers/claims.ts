import * as v from 'valibot'
import { Email } from '../contract/email.ts'
import { MAX_NAME_LENGTH } from '../contract/wire.ts'

/** A provider's claims about a user, by name. */
export type Claims = Record<string, unknown>

/** The amr if the provider does not report any: federation. */
const FEDERATED = ['fed']

/** The claim if it is a valid address, or null. */
export function emailOf(claim: unknown): string | null {
  const parsed = v.safeParse(Email, claim)
  return parsed.success ? parsed.output.toWellFormed() : null
}

/** Accepts true, and 'true' because some providers write booleans as text. */
export function isTrue(claim: unknown): boolean {
  return claim === true || claim === 'true'
}

/** A name that is safe to display: without control and bidirectional formatting characters. */
export function nameOf(claim: unknown): string | null {
  if (typeof claim !== 'string') return null
  const plain = claim
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
  const short = [...plain].slice(0, MAX_NAME_LENGTH).join('').trim()
  return short === '' ? null : short
}

/**
 * Subjects are compared, never displayed: text or a whole number unchanged, of at most 255 characters (OIDC Core §8).
 */
export function subjectOf(claim: unknown): string | null {
  const text = typeof claim === 'number' && Number.isSafeInteger(claim) ? String(claim) : claim
  return typeof text === 'string' && text !== '' && text.length <= 255 && text.isWellFormed() ? text : null
}

/** @see RFC 8176 */
export function amrOf(claim: unknown): string[] {
  const methods = Array.isArray(claim)
    ? claim.filter((method): method is string => typeof method === 'string' && /^[\x21-\x7e]{1,40}$/.test(method))
    : []
  return methods.length === 0 ? FEDERATED : methods.slice(0, 10)
}

/** A member by its name, or by a dotted path. Names that contain dots, such as URLs, take precedence. */
export function memberOf(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let at: unknown = claims
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Claims)[name]
  }
  return at
}

/**
 * Merges user-info and ID token claims. The ID token is signed, so its claims take precedence. `email_verified` is
 * dropped if it belongs to a different address.
 */
export function merged(userInfo: Claims, claims: Claims): Claims {
  const isSameAddress = claims['email'] === undefined || claims['email'] === userInfo['email']
  return { ...userInfo, ...(isSameAddress ? {} : { email_verified: undefined }), ...claims }
}
