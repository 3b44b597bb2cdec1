import { domainToASCII } from 'node:url'
import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { randomId } from '../base/ids.ts'
import type { Role, WireUser } from '../contract/wire.ts'
import type { AccountRecord } from '../store/types.ts'

/** A person as the other rooms know them: without the password. */
export interface Account extends WireUser {
  createdAt: UnixMs
  disabledAt: UnixMs | null
  hasPassword: boolean
  passwordChangedAt: UnixMs | null
}

/** The address as it is compared: the same letters however they were typed, the domain in punycode. */
export function toEmailKey(email: string): string {
  const typed = email.normalize('NFC').toLowerCase()
  const at = typed.lastIndexOf('@') + 1
  const domain = typed.slice(at)
  // Only what can be a name: the converter takes a path, an escape or half an IPv4 address for one, too.
  if (at === 0 || !/\P{ASCII}/u.test(domain) || !/^[\p{L}\p{N}\p{M}.-]+$/u.test(domain)) return typed
  return typed.slice(0, at) + (domainToASCII(domain) || domain)
}

export function toAccount(row: AccountRecord): Account {
  const { id, email, name, roles, createdAt, disabledAt, passwordChangedAt } = row
  return { id, email, name, roles, createdAt, disabledAt, passwordChangedAt, hasPassword: row.passwordSealed !== null }
}

/** A new account's row, still without a password. Half characters, which no database keeps, are replaced. */
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
 * Each role once, in one order; everybody is a user.
 * @throws Problem `invalid_body` for none at all
 */
export function normalRoles(roles: readonly Role[]): Role[] {
  if (roles.length === 0) throw new Problem('invalid_body', { fields: { roles: 'At least one role is needed.' } })
  return roles.includes('admin') ? ['admin', 'user'] : ['user']
}
