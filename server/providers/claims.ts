import * as v from 'valibot'
import type { Log } from '../base/log.ts'
import type { Provider } from '../config/provider-config.ts'
import { Email } from '../contract/email.ts'
import { MAX_NAME_LENGTH, type Role } from '../contract/wire.ts'

/** What a provider says of a person, by name. */
export type Claims = Record<string, unknown>

/** How somebody signed in when the provider does not say: by federation, as far as we know. */
const FEDERATED = ['fed']

/** An address, if that is what it is. */
export function emailOf(claim: unknown): string | null {
  const parsed = v.safeParse(Email, claim)
  return parsed.success ? parsed.output.toWellFormed() : null
}

/** Only what says so plainly: some providers write booleans as text. */
export function isTrue(claim: unknown): boolean {
  return claim === true || claim === 'true'
}

/** A name fit to be shown: without control characters and such as turn text around. */
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

/** Subjects are compared, never shown: text or a whole number as it is, of 255 characters at most (OIDC Core §8). */
export function subjectOf(claim: unknown): string | null {
  const text = typeof claim === 'number' && Number.isSafeInteger(claim) ? String(claim) : claim
  return typeof text === 'string' && text !== '' && text.length <= 255 && text.isWellFormed() ? text : null
}

/** @see RFC 8176 */
export function amrOf(claim: unknown): string[] {
  const methods = Array.isArray(claim)
    ? claim.filter((one): one is string => typeof one === 'string' && /^[\x21-\x7e]{1,40}$/.test(one))
    : []
  return methods.length === 0 ? FEDERATED : methods.slice(0, 10)
}

/** A member by its name, or by a path with dots. Names with dots in them, as URLs are, come first. */
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
 * Says in the log which claim roles were looked for in, if a sign-in brought none: the person comes in as nobody in
 * particular.
 */
export function reportMissing(log: Log, { id, roles }: Provider, claims: Claims): void {
  const why = roles === null ? null : whyMissing(claims, roles)
  if (why !== null)
    log.warn({ event: 'provider_roles_missing', provider: id, claim: roles?.claim, why }, 'the roles claim is missing')
}

/** Why a claim that roles rest on is not there, in words for the log. null: it is there */
export function whyMissing(claims: Claims, mapping: NonNullable<Provider['roles']>): string | null {
  if (memberOf(claims, mapping.claim) !== undefined) return null
  return hasOverage(claims, mapping.claim)
    ? 'the person is in more groups than fit into a token (overage); configure the provider to send only assigned groups or app roles'
    : 'the provider sends no such claim; configure it for the ID token or user info'
}

/** Entra leaves out groups where there are too many, and says so in one of two ways. */
export function hasOverage(claims: Claims, claim: string): boolean {
  const names = claims['_claim_names']
  const isDistributed = typeof names === 'object' && names !== null && Object.hasOwn(names, claim)
  return isDistributed || (claim === 'groups' && isTrue(claims['hasgroups']))
}

/**
 * What user-info and ID token say together. The ID token is signed: where both say something, it is believed. That one
 * of them calls an address verified says nothing about another address of the other's.
 */
export function merged(told: Claims, claims: Claims): Claims {
  const isSameAddress = claims['email'] === undefined || claims['email'] === told['email']
  return { ...told, ...(isSameAddress ? {} : { email_verified: undefined }), ...claims }
}

/** @returns null when roles are given here; none when the mapping lets this person in as nothing */
export function rolesOf(claims: Claims, mapping: Provider['roles']): Role[] | null {
  if (mapping === null) return null
  const claim = memberOf(claims, mapping.claim)
  const values = new Set(Array.isArray(claim) ? claim : [claim])
  if (mapping.admin.some(value => values.has(value))) return ['admin', 'user']
  return mapping.user === null || mapping.user.some(value => values.has(value)) ? ['user'] : []
}
