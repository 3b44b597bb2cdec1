import { domainToASCII } from 'node:url'
import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { randomId } from '../base/ids.ts'
import type { Role, WireUser } from '../contract/wire.ts'
import type { AccountRecord } from '../store/types.ts'

/** An account as other rooms see it: without the password. */
export interface Account extends WireUser {
  createdAt: UnixMs
  disabledAt: UnixMs | null
  hasPassword: boolean
  passwordChangedAt: UnixMs | null
}

/** The address in the form that is compared: normalised letters, the domain in punycode. */
export function toEmailKey(email: string): string {
  const typed = email.normalize('NFC').toLowerCase()
  const at = typed.lastIndexOf('@') + 1
  const domain = typed.slice(at)
  // Only plausible domain names are converted: the converter would also accept a path, an escape or part of an IPv4
  // address.
  if (at === 0 || !/\P{ASCII}/u.test(domain) || !/^[\p{L}\p{N}\p{M}.-]+$/u.test(domain)) return typed
  return typed.slice(0, at) + (domainToASCII(domain) || domain)
}

export function toAccount(row: AccountRecord): Account {
  const { id, email, name, roles, createdAt, disabledAt, passwordChangedAt } = row
  return { id, email, name, roles, createdAt, disabledAt, passwordChangedAt, hasPassword: row.passwordSealed !== null }
}

/** The record of a new account, without a password yet. Lone surrogates, which databases do not store, are replaced. */
export function newAccountRow(
  person: { email: string | null; name: string; roles: Role[] },
  at: UnixMs,
): AccountRecord {
  const email = person.email?.toWellFormed() ?? null
  return {
    id: randomId(),
    email,
    emailKey: email === null ? null : toEmailKey(email),
    name: person.name.toWellFormed(),
    roles: normalRoles(person.roles),
    passwordSealed: null,
    passwordChangedAt: null,
    createdAt: at,
    disabledAt: null,
  }
}

/**
 * Each role once, in a fixed order; every account is a user.
 * @throws Problem `invalid_body` if there is none
 */
export function normalRoles(roles: readonly Role[]): Role[] {
  if (roles.length === 0) throw new Problem('invalid_body', { fields: { roles: 'At least one role is needed.' } })
  return roles.includes('admin') ? ['admin', 'user'] : ['user']
}
