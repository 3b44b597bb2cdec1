import type { Log } from '../base/log.ts'
import type { RoleMapping } from '../config/role-mapping.ts'
import type { Role } from '../contract/wire.ts'
import { type Claims, isTrue, memberOf } from './claims.ts'

/** @returns null if roles are assigned here; empty if the mapping does not admit the user */
export function rolesOf(claims: Claims, mapping: RoleMapping | null): Role[] | null {
  if (mapping === null) return null
  const claim = roleClaimOf(claims, mapping)
  // The names in a list are whole: somebody may have been free to call a group "guests, admin".
  const given = Array.isArray(claim) ? claim : separated(claim, mapping)
  const values = new Set(given.flatMap(textOf))
  if (mapping.admin.some(value => values.has(value))) return ['admin', 'user']
  return mapping.user === null || mapping.user.some(value => values.has(value)) ? ['user'] : []
}

/** Whether the claims say nothing about roles, which is not the same as saying that there are none. */
export function lacksRoles(claims: Claims, mapping: RoleMapping): boolean {
  return roleClaimOf(claims, mapping) === undefined
}

/**
 * Warns if a sign-in lacks the claim that roles are mapped from; the user then gets the roles of a user without that
 * claim.
 */
export function reportMissing(
  log: Log,
  { id, roles }: { id: string; roles: RoleMapping | null },
  claims: Claims,
): void {
  const why = roles === null ? null : whyMissing(claims, roles)
  if (why !== null)
    log.warn({ event: 'provider_roles_missing', provider: id, claim: roles?.claim, why }, 'the roles claim is missing')
}

/** Why the claim that roles are mapped from cannot be read, for the log. null: it can */
export function whyMissing(claims: Claims, mapping: RoleMapping): string | null {
  const claim = roleClaimOf(claims, mapping)
  if (claim === undefined)
    return hasOverage(claims, mapping.claim)
      ? 'the person is in more groups than fit into a token (overage); configure the provider to send only assigned groups or app roles'
      : 'there is no such claim in what identifies people; configure the provider or API to send it'
  return (Array.isArray(claim) ? claim : [claim]).some(value => typeof value === 'object' && value !== null)
    ? `the claim holds objects; name one of their members, such as ${mapping.claim}.name`
    : null
}

/** Entra omits groups if there are too many, and indicates that in one of two ways. */
export function hasOverage(claims: Claims, claim: string): boolean {
  const names = claims['_claim_names']
  const isDistributed = typeof names === 'object' && names !== null && Object.hasOwn(names, claim)
  return isDistributed || (claim === 'groups' && isTrue(claims['hasgroups']))
}

/** The claim; through a list of objects, a list of what its path leads to in each. undefined: missing */
function roleClaimOf(claims: Claims, { claim }: RoleMapping): unknown {
  const found = memberOf(claims, claim)
  return found === undefined ? throughLists(claims, claim.split('.')) : found
}

function throughLists(at: unknown, path: string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined) return at
  if (Array.isArray(at)) {
    const found = at.map(item => throughLists(item, path)).filter(value => value !== undefined)
    // Objects without the member say nothing, unlike a list without objects.
    return found.length === 0 && at.length > 0 ? undefined : found.flat()
  }
  return typeof at === 'object' && at !== null && Object.hasOwn(at, name)
    ? throughLists((at as Claims)[name], rest)
    : undefined
}

/** The values of a claim that is no list. */
function separated(claim: unknown, { separator }: RoleMapping): unknown[] {
  if (typeof claim !== 'string' || separator === null) return [claim]
  return claim.split(separator).map(part => part.trim())
}

/** A value in the text form that the mapping has it in. A number that JSON may have rounded is none. */
function textOf(value: unknown): string[] {
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return [String(value)]
  return typeof value === 'string' ? [value] : []
}
